use super::super::serve;
use super::*;
use crate::task::{self, Tracker};
use ::http::header::UPGRADE;
use ::http::{StatusCode, Version};
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, oneshot};

const PATIENCE: Duration = Duration::from_secs(10);

/// How long a head may take.
const SLOW: Duration = Duration::from_millis(300);

const ASKED: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// A connection that is served: `/ws` becomes something else if that is asked for, `/refused` does not, `/slow` is
/// answered when it is let, all else is answered at once.
struct Served {
    tcp: TcpStream,
    upgraded: mpsc::Receiver<(TcpStream, Vec<u8>)>,
    let_go: Arc<Notify>,
    /// Dropped with the answer to `/slow`.
    slow: mpsc::Receiver<()>,
    drain: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<()>,
}

async fn served() -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    let (hand, upgraded) = mpsc::channel(1);
    let (begin, slow) = mpsc::channel(1);
    let (drain, draining) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let let_go = Arc::new(Notify::new());
    let going = let_go.clone();
    let begin = Arc::new(std::sync::Mutex::new(Some(begin)));
    let handle = move |request: Arrived| {
        let (hand, going, begin) = (hand.clone(), going.clone(), begin.clone());
        async move {
            let (head, upgrade) = request.into_upgrade();
            match head.uri.path() {
                "/slow" => {
                    let begun = begin.lock().unwrap().take().unwrap();
                    begun.send(()).await.unwrap();
                    going.notified().await;
                    drop(begun);
                }
                "/ws" => {}
                "/refused" => return Reply::text(StatusCode::FORBIDDEN, "refused\n"),
                _ => return Reply::text(StatusCode::OK, "at once\n"),
            }
            if !head.headers.contains_key(UPGRADE) || head.version != Version::HTTP_11 {
                return Reply::text(StatusCode::UPGRADE_REQUIRED, "upgrade\n");
            }
            let heir = async move |upgraded| {
                let Upgraded::Socket { tcp, early, .. } = upgraded else { panic!("no stream") };
                hand.send((TcpStream::from_std(tcp).unwrap(), early)).await.unwrap();
            };
            let body = upgrade.then(&Tracker::default(), heir);
            Reply { body, ..Reply::empty(StatusCode::SWITCHING_PROTOCOLS) }
        }
    };
    let config = Config { headers: 32 << 10, header_count: 20, header_timeout: SLOW };
    task::background(async move {
        let drained = async {
            let _ = draining.await;
        };
        serve(Io::Plain(accepted), config, handle, drained).await;
        let _ = end.send(());
    });
    Served { tcp, upgraded, let_go, slow, drain: Some(drain), ended }
}

impl Served {
    async fn say(&mut self, text: &str) {
        self.tcp.write_all(text.as_bytes()).await.unwrap();
    }

    /// All that comes until it ends like this, and nothing of what is behind that.
    async fn heard(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let mut buffer = [0; 1];
            let read = timeout(PATIENCE, self.tcp.read(&mut buffer)).await.expect(&text).unwrap();
            assert_ne!(read, 0, "{text}");
            text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        text
    }

    /// All that comes until the connection is closed.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = timeout(PATIENCE, self.tcp.read_to_end(&mut bytes)).await.expect("the connection ends");
        String::from_utf8(bytes).unwrap()
    }

    /// It has become something else, which is heard and said to both ways.
    async fn upgraded(mut self, early: &str) {
        let answer = self.heard("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
        assert!(answer.contains("\r\ndate: ") && !answer.contains("content-length"), "{answer}");
        let (mut tcp, heard) = timeout(PATIENCE, self.upgraded.recv()).await.unwrap().unwrap();
        assert_eq!(String::from_utf8(heard).unwrap(), early);
        timeout(PATIENCE, self.ended).await.expect("nothing of HTTP is left").unwrap();
        tcp.write_all(b"said").await.unwrap();
        self.tcp.write_all(b"heard").await.unwrap();
        let mut buffer = [0; 5];
        tcp.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"heard");
        self.tcp.read_exact(&mut buffer[..4]).await.unwrap();
        assert_eq!(&buffer[..4], b"said");
    }
}

#[tokio::test]
async fn an_upgrade_is_answered_and_what_came_behind_it_is_the_heirs() {
    for early in ["", "early frames"] {
        let mut served = served().await;
        served.say(&format!("{ASKED}{early}")).await;
        served.upgraded(early).await;
    }
}

#[tokio::test]
async fn a_head_may_come_byte_by_byte() {
    let mut served = served().await;
    for at in 0..ASKED.len() {
        served.say(&ASKED[at..=at]).await;
        tokio::task::yield_now().await;
    }
    served.upgraded("").await;
}

#[tokio::test]
async fn a_plain_request_may_come_before_an_upgrade() {
    let mut served = served().await;
    served.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(served.heard("at once\n").await.starts_with("HTTP/1.1 200 OK\r\n"));
    served.say(ASKED).await;
    served.upgraded("").await;
}

#[tokio::test]
async fn a_refused_upgrade_is_answered_once_and_its_connection_goes_on() {
    let mut served = served().await;
    let refused = ASKED.replace("/ws", "/refused");
    // The next is there already.
    served.say(&format!("{refused}{ASKED}early")).await;
    let answer = served.heard("\r\n\r\nrefused\n").await;
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-length: 8\r\n"), "{answer}");
    served.upgraded("early").await;
}

#[tokio::test]
async fn what_is_no_upgrade_of_http_1_1_is_answered_as_it_ever_was() {
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    let old = ASKED.replace("1.1", "1.0");
    let many = ASKED.replace("Host: a\r\n", &"Host: a\r\n".repeat(30));
    let large = ASKED.replace("Host: a\r\n", &format!("Host: {}\r\n", "a".repeat(40 << 10)));
    let malformed = ASKED.replace("Host: a\r\n", "Ho st: a\r\n");
    for (request, status) in [(post, "200"), (&old, "426"), (&many, "431"), (&large, "431"), (&malformed, "400")] {
        let mut served = served().await;
        served.say(request).await;
        // It is closed when it is idle for too long, if not before.
        let answer = served.rest().await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
    }
}

#[tokio::test]
async fn a_head_that_takes_too_long_ends_the_connection() {
    for piece in ["", "GET /ws HT", "POST / HT"] {
        let mut served = served().await;
        served.say(piece).await;
        assert_eq!(served.rest().await, "");
        timeout(PATIENCE, served.ended).await.expect("it ends").unwrap();
    }
}

#[tokio::test]
async fn whoever_goes_away_is_not_answered_any_more() {
    let mut served = served().await;
    served.say(&ASKED.replace("/ws", "/slow")).await;
    timeout(PATIENCE, served.slow.recv()).await.unwrap().expect("it has begun");
    drop(served.tcp);
    assert!(timeout(PATIENCE, served.slow.recv()).await.expect("it is dropped").is_none());
    timeout(PATIENCE, served.ended).await.expect("it ends").unwrap();
}

#[tokio::test]
async fn an_upgrade_under_way_is_finished_in_a_drain_and_one_that_comes_late_has_a_moment() {
    let mut slow = served().await;
    slow.say(&format!("{}early", ASKED.replace("/ws", "/slow"))).await;
    timeout(PATIENCE, slow.slow.recv()).await.unwrap().expect("it has begun");
    slow.drain.take().unwrap().send(()).unwrap();
    tokio::time::sleep(2 * FIRST_REQUEST).await;
    slow.let_go.notify_one();
    slow.upgraded("early").await;
    let mut late = served().await;
    late.drain.take().unwrap().send(()).unwrap();
    late.say(ASKED).await;
    late.upgraded("").await;
    let mut never = served().await;
    never.drain.take().unwrap().send(()).unwrap();
    assert_eq!(never.rest().await, "");
}
