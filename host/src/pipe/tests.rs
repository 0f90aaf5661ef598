use super::*;
use http_body_util::BodyExt;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn either_direction_holds_its_limit_and_no_more() {
    let (near, mut far) = pair(10);
    assert_eq!(near.try_write(b"0123456").unwrap(), 7);
    assert_eq!(near.try_write_vectored(&[IoSlice::new(b"78"), IoSlice::new(b"9abc")]).unwrap(), 3);
    assert_eq!(near.try_write(b"x").unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(near.try_write(b"").unwrap(), 0);
    assert_eq!(near.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    run(async {
        let mut buffer = [0; 4];
        far.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"0123");
        assert_eq!(near.try_write(b"abcdef").unwrap(), 4);
        assert_eq!(far.write(b"twelve bytes").await.unwrap(), 10);
    });
    let mut buffer = [0; 20];
    assert_eq!(near.try_read(&mut buffer).unwrap(), 10);
    assert_eq!(&buffer[..10], b"twelve byt");
}

#[test]
fn what_was_written_before_the_end_is_still_read() {
    let (near, mut far) = pair(10);
    near.try_write(b"last").unwrap();
    near.close();
    assert_eq!(near.try_write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    run(async {
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "last");
        far.write_all(b"answer").await.unwrap();
        near.readable().await.unwrap();
    });
    drop(far);
    let mut buffer = [0; 10];
    assert_eq!(near.try_read(&mut buffer).unwrap(), 6);
    assert_eq!(near.try_read(&mut buffer).unwrap(), 0);
}

#[test]
fn an_end_that_is_dropped_wakes_whoever_waits_at_the_other() {
    run(async {
        let (near, far) = pair(1);
        near.try_write(b"x").unwrap();
        let waiting = async { tokio::join!(near.readable(), near.writable()) };
        let (done, ()) = tokio::join!(waiting, async {
            tokio::task::yield_now().await;
            drop(far);
        });
        done.0.unwrap();
        done.1.unwrap();
        assert_eq!(near.try_write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);

        let (near, mut far) = pair(1);
        far.write_all(b"x").await.unwrap();
        let (written, ()) = tokio::join!(far.write_all(b"y"), async {
            tokio::task::yield_now().await;
            drop(near);
        });
        assert_eq!(written.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn what_an_end_keeps_goes_with_either() {
    let kept = Arc::new(());
    let keeping = || {
        let (near, far) = pair(10);
        far.keep(Box::new(kept.clone()));
        near.try_write(b"under way").unwrap();
        assert_eq!(Arc::strong_count(&kept), 2);
        (near, far)
    };
    let (near, far) = keeping();
    near.close();
    assert_eq!(Arc::strong_count(&kept), 1);
    far.keep(Box::new(kept.clone()));
    assert_eq!(Arc::strong_count(&kept), 1);
    let (near, far) = keeping();
    drop(far);
    assert_eq!(Arc::strong_count(&kept), 1);
    drop(near);
}

#[test]
fn as_a_body_it_gives_what_is_there_as_one_piece() {
    run(async {
        let (near, mut far) = pair(100);
        near.try_write(b"one ").unwrap();
        near.try_write(b"piece").unwrap();
        let piece = far.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(piece, "one piece");
        near.close();
        assert!(hyper::body::Body::is_end_stream(&far));
        assert!(far.frame().await.is_none());
    });
}

/// Two threads push ten megabytes through a small pipe each way, in pieces of all sizes. A wake-up that is lost makes
/// one of them wait for ever, a byte that is lost or doubled shows in the sums.
#[test]
fn nothing_is_lost_between_two_threads() {
    const TOTAL: usize = 10 << 20;
    let (near, far) = pair(1500);
    let shard = crate::task::thread("near", move || run(near_end(near, TOTAL))).unwrap();
    let task = crate::task::thread("far", move || run(far_end(far, TOTAL))).unwrap();
    let (near_wrote, near_read) = shard.join().unwrap();
    let (far_wrote, far_read) = task.join().unwrap();
    assert_eq!((near_wrote.count, far_wrote.count), (TOTAL, TOTAL));
    assert_eq!((near_wrote, far_wrote), (far_read, near_read));
}

async fn near_end(near: Near, total: usize) -> (Sum, Sum) {
    let write = async {
        let (mut noise, mut sum) = (Noise(1), Sum::default());
        while sum.count < total {
            let piece = noise.piece(total - sum.count);
            match near.try_write(&piece) {
                Ok(taken) => sum.add(&piece[..taken]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => near.writable().await.unwrap(),
                Err(error) => panic!("{error}"),
            }
        }
        near.close();
        sum
    };
    let read = async {
        let (mut noise, mut sum) = (Noise(2), Sum::default());
        loop {
            let mut buffer = noise.piece(usize::MAX);
            match near.try_read(&mut buffer) {
                Ok(0) => return sum,
                Ok(given) => sum.add(&buffer[..given]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => near.readable().await.unwrap(),
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::join!(write, read)
}

async fn far_end(far: Far, total: usize) -> (Sum, Sum) {
    let (mut reader, mut writer) = tokio::io::split(far);
    let write = async {
        let (mut noise, mut sum) = (Noise(3), Sum::default());
        while sum.count < total {
            let piece = noise.piece(total - sum.count);
            writer.write_all(&piece).await.unwrap();
            sum.add(&piece);
        }
        writer.shutdown().await.unwrap();
        sum
    };
    let read = async {
        let (mut noise, mut sum) = (Noise(4), Sum::default());
        loop {
            let mut buffer = noise.piece(usize::MAX);
            match reader.read(&mut buffer).await.unwrap() {
                0 => return sum,
                given => sum.add(&buffer[..given]),
            }
        }
    };
    tokio::join!(write, read)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[derive(Debug, Default, PartialEq)]
struct Sum {
    count: usize,
    hash: u64,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.count += bytes.len();
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

/// Marsaglia's xorshift: the same pieces each time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// 1 to 4000 bytes of anything, at most `most`.
    fn piece(&mut self, most: usize) -> Vec<u8> {
        let length = (1 + self.next() as usize % 4000).min(most);
        let first = self.next() as u8;
        (0..length).map(|index| first.wrapping_add(index as u8)).collect()
    }
}
