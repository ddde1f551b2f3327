//! A browser, driven as a person would.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, bail, ensure};
use fantoccini::{Client, ClientBuilder, Locator, key::Key, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use journeys::eventually;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// Chromium without a window.
pub(crate) struct Browser {
    pub(crate) client: Client,
    _driver: Child,
}

/// The most presses of a key before it is certain that they lead nowhere.
const MOST_PRESSES: usize = 300;

impl Browser {
    /// Runs `test` in a new browser, which is closed whatever comes of it.
    pub(crate) async fn run(
        test: impl AsyncFnOnce(&Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let browser = Self::start().await?;
        let outcome = test(&browser).await;
        let complaints = browser.complaints().await;
        browser.client.clone().close().await?;
        outcome?;
        let complaints = complaints?;
        ensure!(complaints.is_empty(), "the browser complains: {complaints:#?}");
        Ok(())
    }

    async fn start() -> anyhow::Result<Self> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver is needed: `cargo xtask test --install` installs it")?;
        let mut lines = BufReader::new(driver.stdout.take().context("no output")?).lines();
        let port = loop {
            let line = lines.next_line().await?.context("chromedriver has ended")?;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        let options = json!({
            // Its own sandbox refuses to work for root, as tests in containers run.
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--hide-scrollbars", "--window-size=1200,900"],
        });
        let wanted = json!({
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let wanted = wanted.as_object().context("an object")?.clone();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let driven = format!("http://127.0.0.1:{port}");
        let client = builder.capabilities(wanted).connect(&driven).await?;
        Ok(Self { client, _driver: driver })
    }

    /// What all elements say that `selector` chooses.
    pub(crate) async fn texts(&self, selector: &str) -> anyhow::Result<Vec<String>> {
        let script =
            "return [...document.querySelectorAll(arguments[0])].map(it => it.textContent)";
        let found = self.client.execute(script, vec![json!(selector)]).await?;
        Ok(serde_json::from_value(found)?)
    }

    /// Follows the first link that says `text`, once there is one.
    pub(crate) async fn follow(&self, text: &str) -> anyhow::Result<()> {
        let link = self.client.wait().for_element(Locator::LinkText(text)).await?;
        Ok(link.click().await?)
    }

    /// Waits until the page has this heading.
    pub(crate) async fn until_heading(&self, heading: &str) -> anyhow::Result<()> {
        eventually("the page", async || {
            let found = self.texts("h1").await?;
            ensure!(found == [heading], "{found:?}");
            Ok(())
        })
        .await
    }

    /// Waits until the script has fetched the page once more.
    pub(crate) async fn until_refreshed(&self) -> anyhow::Result<()> {
        const COUNT: &str = "return performance.getEntriesByType('resource')\
                             .filter(it => it.name === location.href).length";
        let before = self.client.execute(COUNT, Vec::new()).await?.as_u64();
        eventually("a refresh", async || {
            // Two, since the first may have been under way.
            let now = self.client.execute(COUNT, Vec::new()).await?.as_u64();
            ensure!(now >= before.map(|before| before + 2), "{now:?}");
            Ok(())
        })
        .await
    }

    /// The `id` of what has the focus.
    pub(crate) async fn focused(&self) -> anyhow::Result<String> {
        let id = self.client.execute("return document.activeElement.id", Vec::new()).await?;
        Ok(id.as_str().unwrap_or_default().to_owned())
    }

    pub(crate) async fn press(&self, key: Key) -> anyhow::Result<()> {
        let key = char::from(key).to_string();
        Ok(self.client.active_element().await?.send_keys(&key).await?)
    }

    /// Presses Tab until what is focused has an `id` that begins so.
    pub(crate) async fn tab_to(&self, id: &str) -> anyhow::Result<()> {
        for _ in 0..MOST_PRESSES {
            self.press(Key::Tab).await?;
            if self.focused().await?.starts_with(id) {
                return Ok(());
            }
        }
        bail!("no key leads to `{id}`")
    }

    /// Has pages take the person for one who likes it so: `light` or `dark`.
    pub(crate) async fn prefer(&self, scheme: &str) -> anyhow::Result<()> {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let parameters = json!({ "features": features });
        let body = json!({ "cmd": "Emulation.setEmulatedMedia", "params": parameters });
        self.issue("goog/cdp/execute", body).await.map(drop)
    }

    /// Keeps what is to be seen, below `target/tmp`.
    pub(crate) async fn screenshot(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, self.client.screenshot().await?)?;
        Ok(path)
    }

    /// Errors of scripts, what a page's policy forbade, and what could not be fetched.
    async fn complaints(&self) -> anyhow::Result<Vec<Value>> {
        let entries = self.issue("se/log", json!({ "type": "browser" })).await?;
        let entries = entries.as_array().context("no log")?.iter();
        Ok(entries
            .filter(|entry| entry["level"] != "INFO" && entry["level"] != "DEBUG")
            .cloned()
            .collect())
    }

    async fn issue(&self, command: &'static str, body: Value) -> anyhow::Result<Value> {
        Ok(self.client.issue_cmd(Vendor { command, body }).await?)
    }
}

/// A command that Chromium's driver has beyond the standard.
#[derive(Debug)]
struct Vendor {
    command: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(
        &self,
        base: &Url,
        session: Option<&str>,
    ) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.command))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
