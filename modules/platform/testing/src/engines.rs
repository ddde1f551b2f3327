use events::EventEngine;
use storage::StoreError;

/// Runs engines that bring events to each other, until none has anything left to do; what waits
/// for another attempt waits on. Says how much was done.
///
/// # Errors
/// A store's.
pub async fn drain(engines: &[&EventEngine]) -> Result<usize, StoreError> {
    let mut done = 0;
    loop {
        let mut now = 0;
        for engine in engines {
            now += engine.run_until_idle().await?;
        }
        if now == 0 {
            return Ok(done);
        }
        done += now;
    }
}
