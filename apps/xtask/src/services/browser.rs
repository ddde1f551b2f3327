//! A browser for the tests of the dashboard, which start it themselves.

use anyhow::{Result, bail};

use super::{install, programs::on_path};
use crate::tools::Install;

/// What tests start, and the package of Debian that has it.
const DRIVER: (&str, &str) = ("chromedriver", "chromium-driver");
/// What the driver starts, under the names that it knows.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const PACKAGE: &str = "chromium";

/// Makes sure that Chromium and its driver are there.
///
/// # Errors
/// They are not, and may or can not be installed; the message says how to install them.
pub fn ensure(install: Install) -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    if !install.install {
        bail!(
            "a browser is not installed; the dashboard is tested in one. Install it with\n    {}\nor \
             run this command again with --install. Or leave it out with --embedded",
            install::shown(&missing)
        );
    }
    install::packages(&missing)?;
    match self::missing() {
        still if still.is_empty() => Ok(()),
        still => bail!("after the installation there is still no {}", still.join(" and no ")),
    }
}

fn missing() -> Vec<&'static str> {
    let (driver, package) = DRIVER;
    let browser = BROWSERS.iter().any(|name| on_path(name).is_some());
    let parts = [(browser, PACKAGE), (on_path(driver).is_some(), package)];
    parts.into_iter().filter(|(is_there, _)| !is_there).map(|(_, package)| package).collect()
}
