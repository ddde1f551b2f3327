//! The opening of an AMQP 0-9-1 connection by hand: a client is not worth its compiling here.

use anyhow::{Context as _, Result, bail};
use kernel::Secret;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::address::{Address, decoded};

/// The class `connection`, and those of its methods that are needed.
const CONNECTION: u16 = 10;
const START: u16 = 10;
const START_OK: u16 = 11;
const TUNE: u16 = 30;
const TUNE_OK: u16 = 31;
const OPEN: u16 = 40;
const OPEN_OK: u16 = 41;
const CLOSE: u16 = 50;

const METHOD_FRAME: u8 = 1;
const FRAME_END: u8 = 0xCE;
/// No honest frame before the connection is tuned is larger.
const LARGEST_FRAME: u32 = 128 * 1024;

/// Logs in, opens the virtual host, and leaves; returns the broker's version.
pub(super) async fn enter(mut stream: TcpStream, address: &Address) -> Result<String> {
    stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
    let start = expect(&mut stream, START).await?;
    let user = address.user.as_deref().unwrap_or("guest");
    let password = address.password.as_ref().map_or("guest", Secret::expose);
    let mut start_ok = long(b"");
    start_ok.extend(short("PLAIN"));
    start_ok.extend(long(format!("\0{user}\0{password}").as_bytes()));
    start_ok.extend(short("en_US"));
    send(&mut stream, START_OK, &start_ok).await?;

    let tune = expect(&mut stream, TUNE).await.context("it did not let us in")?;
    let limits = tune.get(..6).context("a TUNE without its limits")?;
    send(&mut stream, TUNE_OK, &[limits, &[0, 0]].concat()).await?;
    let host = if address.path.is_empty() { "/".to_owned() } else { decoded(&address.path)? };
    send(&mut stream, OPEN, &[short(&host), short(""), vec![0]].concat()).await?;
    expect(&mut stream, OPEN_OK).await.context("its virtual host was not opened")?;
    let farewell = [200_u16.to_be_bytes().as_slice(), &short(""), &[0; 4]].concat();
    send(&mut stream, CLOSE, &farewell).await?;
    Ok(version(&start))
}

async fn send(stream: &mut TcpStream, method: u16, arguments: &[u8]) -> Result<()> {
    let size = u32::try_from(arguments.len() + 4).context("arguments that are too long")?;
    let mut frame = vec![METHOD_FRAME, 0, 0];
    frame.extend(size.to_be_bytes());
    frame.extend(CONNECTION.to_be_bytes());
    frame.extend(method.to_be_bytes());
    frame.extend(arguments);
    frame.push(FRAME_END);
    Ok(stream.write_all(&frame).await?)
}

/// The arguments of the next method, which must be `wanted`.
async fn expect(stream: &mut TcpStream, wanted: u16) -> Result<Vec<u8>> {
    let mut head = [0; 7];
    stream.read_exact(&mut head).await.context("it hung up")?;
    let [kind, _, _, size @ ..] = head;
    let size = u32::from_be_bytes(size);
    if kind != METHOD_FRAME || !(4..LARGEST_FRAME).contains(&size) {
        bail!("it does not speak AMQP 0-9-1");
    }
    let mut payload = vec![0; size as usize + 1];
    stream.read_exact(&mut payload).await.context("it hung up")?;
    payload.pop();
    let arguments = payload.split_off(4);
    let method = |method: u16| [CONNECTION.to_be_bytes(), method.to_be_bytes()].concat();
    if payload == method(wanted) {
        return Ok(arguments);
    }
    if payload == method(CLOSE) {
        // Two bytes of code, one of length, the text.
        let text = arguments.get(2..).and_then(|rest| rest.get(1..=usize::from(*rest.first()?)));
        bail!("it refused: {}", String::from_utf8_lossy(text.unwrap_or_default()));
    }
    bail!("it answered out of turn");
}

/// From the table of the server's properties: the name, `S`, four bytes of length, the text.
fn version(start: &[u8]) -> String {
    let name = b"\x07versionS";
    let at = start.windows(name.len()).position(|window| window == name);
    let rest = at.and_then(|at| start.get(at + name.len()..));
    let text = rest.and_then(|rest| {
        let (length, text) = rest.split_first_chunk::<4>()?;
        text.get(..u32::from_be_bytes(*length) as usize)
    });
    text.map_or_else(
        || "of an unknown version".to_owned(),
        |text| String::from_utf8_lossy(text).into_owned(),
    )
}

fn short(text: &str) -> Vec<u8> {
    // Longer than any user, host or mechanism may be: the broker then refuses what is left.
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    [&[length], &text.as_bytes()[..usize::from(length)]].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}
