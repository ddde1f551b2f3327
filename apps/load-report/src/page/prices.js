// Computes the cost column again when the reader changes a price. Without a script the column keeps
// what the example prices give.
(() => {
  const inputs = ["price-cpu", "price-gib"].map((id) => document.getElementById(id));
  if (inputs.some((input) => input === null)) return;
  const update = () => {
    const [cpu, gib] = inputs.map((input) => (input.value === "" ? NaN : Number(input.value)));
    for (const cell of document.querySelectorAll("[data-cpu-hours]")) {
      const cost = cell.dataset.cpuHours * cpu + cell.dataset.gibHours * gib;
      cell.textContent = cost >= 0 ? String(Number(cost.toPrecision(3))) : "—";
    }
  };
  for (const input of inputs) input.addEventListener("input", update);
})();
