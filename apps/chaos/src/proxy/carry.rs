//! One connection through a proxy.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
};

use super::{Way, Weather};

/// What a stranger says. It is complete, so that only its content tells that it is not ours.
const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 25\r\n\
                      connection: close\r\n\r\n<h1>It works, really</h1>";
const NOISE: &[u8] = b"\x15\x03\x01\x00\x02\x02\x46 \xff\xfe not of this protocol \x00\x00\r\n\r\n";

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Request,
    Answer,
}

/// How a direction came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The sender has said all.
    Said,
    /// The connection is to be broken off.
    Reset,
}

/// Carries bytes between `client` and the target until both have said all, or the weather breaks
/// the connection off.
pub(super) async fn carry(mut client: TcpStream, way: Arc<Way>, mut sky: watch::Receiver<Weather>) {
    let connected = match way.target() {
        Some(target) => TcpStream::connect(target).await,
        None => Err(io::ErrorKind::NotConnected.into()),
    };
    let Ok(mut server) = connected else {
        reset(&client);
        return;
    };
    // Small requests and answers are not held back for a fuller packet; without it all is slower.
    let _ = (client.set_nodelay(AT_ONCE), server.set_nodelay(AT_ONCE));
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let requests = pipe(from_client, to_server, Direction::Request, &way, sky.clone());
        let answers = pipe(from_server, to_client, Direction::Answer, &way, sky.clone());
        let both = async {
            let (mut requests, mut answers) = (std::pin::pin!(requests), std::pin::pin!(answers));
            tokio::select! {
                end = &mut requests => if end == End::Said { answers.await } else { end },
                end = &mut answers => if end == End::Said { requests.await } else { end },
            }
        };
        tokio::select! {
            end = both => end,
            _ = sky.wait_for(|weather| *weather == Weather::Cut) => {
                way.touch();
                End::Reset
            }
        }
    };
    if end == End::Reset {
        reset(&client);
        reset(&server);
    }
}

const AT_ONCE: bool = true;

/// Has the connection end with a reset once it is dropped.
fn reset(stream: &TcpStream) {
    // Should it fail, the connection ends in order, which is bad enough for what was to be said.
    let _ = stream.set_zero_linger();
}

async fn pipe(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    way: &Way,
    mut sky: watch::Receiver<Weather>,
) -> End {
    let mut chunk = vec![0; 16 * 1024];
    // Of the answer that a reset will break off.
    let mut passed = 0;
    loop {
        let length = match from.read(&mut chunk).await {
            Ok(0) => {
                let _ = to.shutdown().await;
                return End::Said;
            }
            Ok(length) => length,
            Err(_) => return End::Reset,
        };
        let mut bytes = &chunk[..length];
        loop {
            let weather = *sky.borrow_and_update();
            let holds_both = matches!(weather, Weather::Silent | Weather::Slow(_));
            if weather != Weather::Clear && (holds_both || direction == Direction::Answer) {
                way.touch();
            }
            match (weather, direction) {
                (Weather::Silent, _) => {
                    if sky.changed().await.is_err() {
                        return End::Reset;
                    }
                    continue;
                }
                (Weather::Slow(by), _) => tokio::time::sleep(by).await,
                (Weather::ResetAfter(most), Direction::Answer) => {
                    let rest = most.saturating_sub(passed);
                    if bytes.len() > rest {
                        bytes = &bytes[..rest];
                        let _ = to.write_all(bytes).await;
                        return End::Reset;
                    }
                    passed += bytes.len();
                }
                (Weather::Noise, Direction::Answer) => return forged(&mut to, NOISE).await,
                (Weather::Stranger, Direction::Answer) => return forged(&mut to, PAGE).await,
                (Weather::Cut, _) => return End::Reset,
                (Weather::Clear, _) => passed = 0,
                (_, Direction::Request) => {}
            }
            break;
        }
        if to.write_all(bytes).await.is_err() {
            return End::Reset;
        }
    }
}

/// Says `words` instead of the answer, and ends the connection in order: a reset could overtake
/// them.
async fn forged(to: &mut WriteHalf<'_>, words: &[u8]) -> End {
    let _ = to.write_all(words).await;
    let _ = to.shutdown().await;
    End::Said
}
