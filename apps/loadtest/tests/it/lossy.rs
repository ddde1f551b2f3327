//! Answers that are lost on their way: nobody knows what was done, until they ask again.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::ensure;
use loadtest::{
    client::Client,
    people::{self, Sizes},
    run::run,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{product::Product, scenarios::plan};

const LOST: &[u8] = b"POST /v1/billing/usage-events";

/// Passes all on, and loses the answers to the first `losses` reports of usage.
async fn serve(listener: TcpListener, upstream: SocketAddr, losses: u32) {
    let left = Arc::new(AtomicU32::new(losses));
    while let Ok((client, _)) = listener.accept().await {
        let left = Arc::clone(&left);
        tokio::spawn(async move {
            // One of the two has gone away.
            let _gone = pass_on(client, upstream, &left).await;
        });
    }
}

async fn pass_on(mut client: TcpStream, upstream: SocketAddr, left: &AtomicU32) -> io::Result<()> {
    let mut server = TcpStream::connect(upstream).await?;
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut lost = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let request = match read? { 0 => return Ok(()), length => &asked[..length] };
                let one_less = |left: u32| left.checked_sub(1);
                let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
                lost |= request.starts_with(LOST) && left.fetch_update(set, get, one_less).is_ok();
                server.write_all(request).await?;
            }
            read = server.read(&mut answered) => {
                // The work is done: only now is the connection cut.
                let length = read?;
                if lost || length == 0 {
                    return Ok(());
                }
                client.write_all(&answered[..length]).await?;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_unheard_is_in_the_books() -> anyhow::Result<()> {
    let product = Product::start(&[]).await?;
    let client = Client::new(&product.url(), Duration::from_secs(30))?;
    let sizes = Sizes { tenants: 2, newcomers: 0, members: 0, usage_events: 0, at_once: 2 };
    let mut people = people::seed(&client, sizes, 7, |_, _| {}).await?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut plan = plan(&product, "usage", 6)?;
    plan.url = format!("http://{}", listener.local_addr()?);
    let proxy = tokio::spawn(serve(listener, product.address(), 4));
    let outcome = run(&plan, &mut people, |_| {}).await?;
    proxy.abort();

    let usage = &outcome.run.operations["POST /v1/billing/usage-events"];
    ensure!(usage.done == 2 && usage.failed == [("reset".to_owned(), 4)].into(), "{usage:?}");
    let ledger = &outcome.run.ledger;
    ensure!(ledger.compared["units of usage"] == (60, 60), "{ledger:?}");
    ensure!(ledger.faults.is_empty(), "{ledger:?}");
    product.stop().await;
    Ok(())
}
