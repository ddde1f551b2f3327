use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use super::*;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// A server that answers every chunk that it reads, and a way to it.
async fn way() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let proxy = Proxy::bind().await.expect("a free port");
    proxy.lead_to(listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 64];
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    if stream.write_all(ANSWER).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    proxy
}

async fn connected(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address).await.expect("a connection")
}

/// What comes back for a request: up to a whole answer, or how the connection broke.
async fn asked(stream: &mut TcpStream) -> Result<Vec<u8>, io::ErrorKind> {
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.map_err(|error| error.kind())?;
    let mut answer = Vec::new();
    while answer.len() < ANSWER.len() {
        match stream.read_buf(&mut answer).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(error.kind()),
        }
    }
    Ok(answer)
}

#[tokio::test]
async fn in_clear_weather_bytes_pass_as_they_are() {
    let proxy = way().await;
    let mut stream = connected(&proxy).await;
    for _ in 0..3 {
        assert_eq!(asked(&mut stream).await.expect("an answer"), ANSWER);
    }
    assert_eq!(proxy.touched(), 0);
}

#[tokio::test]
async fn a_cut_refuses_resets_and_heals() {
    let proxy = way().await;
    let mut stream = connected(&proxy).await;
    asked(&mut stream).await.expect("an answer");
    proxy.set(Weather::Cut);
    assert_eq!(stream.read_u8().await.expect_err("cut").kind(), io::ErrorKind::ConnectionReset);
    // The listener goes a moment after the connection.
    let refused = loop {
        if let Err(error) = TcpStream::connect(proxy.address).await {
            break error;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    proxy.set(Weather::Clear);
    let mut again = loop {
        match TcpStream::connect(proxy.address).await {
            Ok(stream) => break stream,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(asked(&mut again).await.expect("an answer"), ANSWER);
}

#[tokio::test]
async fn an_answer_breaks_off_in_its_middle_and_the_next_connection_s_too() {
    let proxy = way().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Weather::ResetAfter(10));
    for _ in 0..2 {
        let broken = asked(&mut stream).await;
        // What had come before the reset may be lost with it.
        assert!(broken.is_err() || broken.is_ok_and(|part| ANSWER[..10].starts_with(&part)));
        stream = connected(&proxy).await;
    }
    assert!(proxy.touched() >= 2);
    proxy.set(Weather::Clear);
    assert_eq!(asked(&mut stream).await.expect("an answer"), ANSWER);
}

#[tokio::test]
async fn slowly_everything_still_arrives() {
    let proxy = way().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Weather::Slow(Duration::from_millis(30)));
    let begun = Instant::now();
    assert_eq!(asked(&mut stream).await.expect("an answer"), ANSWER);
    assert!(begun.elapsed() >= Duration::from_millis(60), "there and back");
}

#[tokio::test]
async fn in_silence_nothing_comes_until_it_ends() {
    let proxy = way().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Weather::Silent);
    let waiting = tokio::time::timeout(Duration::from_millis(50), asked(&mut stream)).await;
    assert!(waiting.is_err(), "an answer came through");
    proxy.set(Weather::Clear);
    let mut answer = vec![0; ANSWER.len()];
    stream.read_exact(&mut answer).await.expect("the answer to the first request");
    assert_eq!(answer, ANSWER);
}

#[tokio::test]
async fn garbage_comes_instead_of_answers() {
    let proxy = way().await;
    for (weather, begins) in [(Weather::Noise, "\u{15}\u{3}"), (Weather::Stranger, "HTTP/1.1 200")]
    {
        proxy.set(weather);
        let answer = asked(&mut connected(&proxy).await).await.expect("something");
        assert!(answer.starts_with(begins.as_bytes()), "{answer:?}");
        assert_ne!(answer, ANSWER);
    }
}

#[tokio::test]
async fn a_way_that_leads_nowhere_resets() {
    let proxy = Proxy::bind().await.expect("a free port");
    let mut stream = connected(&proxy).await;
    assert!(matches!(asked(&mut stream).await, Err(_) | Ok(_)));
    assert!(stream.read_u8().await.is_err());
}
