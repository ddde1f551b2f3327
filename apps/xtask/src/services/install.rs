//! Installs what is missing, on Debian and Ubuntu.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::{console::say, steps};

/// What a person would type.
pub(super) fn shown(packages: &[&str]) -> String {
    let sudo = if rustix::process::getuid().is_root() { "" } else { "sudo " };
    if !Path::new(APT).exists() {
        return format!("your system's package manager: {}", packages.join(" "));
    }
    let packages = packages.join(" ");
    format!("{sudo}apt-get update && {sudo}apt-get install --no-install-recommends {packages}")
}

const APT: &str = "/usr/bin/apt-get";

/// Packages of engines make a cluster and start a service when they are installed, and again with
/// the machine: they would take the default ports. While this runs, Debian's own switches forbid
/// it; whatever was at their places before is put back. The services can be enabled as always.
const SCRIPT: &str = r#"
set -eu
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.d
kept=$(mktemp -d)
placed=
made=
restore() {
    if [ -n "$placed" ]; then rm -f "$policy" "$clusters/ashlar.conf"; fi
    if [ -e "$kept/policy" ]; then mv "$kept/policy" "$policy"; fi
    rmdir "$kept"
    # Only where they are empty, and not where the packages hold them now.
    for folder in $made; do rmdir "$folder" 2>/dev/null || true; done
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if [ -e "$policy" ]; then mv "$policy" "$kept/policy"; fi
placed=yes
printf '#!/bin/sh\nexit 101\n' > "$policy"
chmod 755 "$policy"
for folder in /etc/postgresql-common "$clusters"; do
    if [ ! -d "$folder" ]; then mkdir "$folder"; made="$folder $made"; fi
done
printf 'create_main_cluster = false\n' > "$clusters/ashlar.conf"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends "$@"
# Their services are named as they are, and would start with the machine.
if command -v systemctl >/dev/null; then
    for service in "$@"; do systemctl --quiet disable "$service" 2>/dev/null || true; done
fi
"#;

/// Installs packages as root, or with a `sudo` that asks for no password.
pub(super) fn packages(packages: &[&str]) -> Result<()> {
    if !Path::new(APT).exists() {
        bail!("--install knows Debian and Ubuntu only; install with {}", shown(packages));
    }
    let mut command = if rustix::process::getuid().is_root() {
        Command::new("sh")
    } else if sudo_asks_nothing() {
        let mut command = Command::new("sudo");
        command.args(["-n", "sh"]);
        command
    } else {
        bail!("--install needs root here; type\n    {}", shown(packages));
    };
    say(format_args!("installing {}", packages.join(" ")));
    command.args(["-c", SCRIPT, "sh"]).args(packages);
    if !steps::succeeds(&mut command)? {
        bail!("{} could not be installed; see above", packages.join(" "));
    }
    Ok(())
}

fn sudo_asks_nothing() -> bool {
    steps::output(Command::new("sudo").args(["-n", "true"])).is_ok()
}
