use super::*;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

type Accepted = (TcpStream, SocketAddr, Permit);

struct Door {
    addresses: Vec<SocketAddr>,
    accepted: mpsc::Receiver<Accepted>,
    refused: Arc<Mutex<Vec<Refused>>>,
    gate: Gate,
    close: oneshot::Sender<()>,
    closed: oneshot::Receiver<()>,
}

fn limits(connections: usize, per_address: usize) -> Limits {
    Limits { connections, per_address }
}

fn gate(limits: Limits) -> (Gate, Arc<Mutex<Vec<Refused>>>) {
    let refused = Arc::new(Mutex::new(Vec::new()));
    let noted = refused.clone();
    (Gate::new(limits, move |why| noted.lock().unwrap().push(why)), refused)
}

fn open_door(addresses: &[&str], limits: Limits) -> Door {
    let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let listeners = bind(&addresses, vec![], false).unwrap();
    let addresses = listeners.addresses().to_vec();
    let (gate, refused) = gate(limits);
    let (hand, accepted) = mpsc::channel(100);
    let (close, closing) = oneshot::channel();
    let (done, closed) = oneshot::channel();
    let running = gate.clone();
    crate::task::background(async move {
        let serve = |tcp, peer, permit| hand.try_send((tcp, peer, permit)).unwrap();
        let shutdown = async {
            let _ = closing.await;
        };
        listeners.run(&running, serve, shutdown).await;
        let _ = done.send(());
    });
    Door { addresses, accepted, refused, gate, close, closed }
}

#[tokio::test]
async fn every_address_is_served_and_told_with_the_port_the_system_chose() {
    let mut door = open_door(&["127.0.0.1:0", "127.0.0.1:0"], limits(10, 10));
    assert_ne!(door.addresses[0], door.addresses[1]);
    for address in door.addresses.clone() {
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut tcp, peer, permit) = door.accepted.recv().await.unwrap();
        assert_eq!((peer, tcp.nodelay().unwrap()), (client.local_addr().unwrap(), true));
        #[cfg(target_os = "linux")]
        assert_eq!(SockRef::from(&tcp).tcp_notsent_lowat().unwrap(), UNSENT);
        assert_eq!(door.gate.open(), 1);
        tcp.write_all(b"x").await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'x');
        drop(permit);
        assert_eq!(door.gate.open(), 0);
    }
}

/// Without a bound the kernel takes megabytes for one that does not read (`tcp_wmem`), whatever reaches it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_takes_little_for_a_client_that_does_not_read() {
    let mut door = open_door(&["127.0.0.1:0"], limits(10, 10));
    let client = TcpStream::connect(door.addresses[0]).await.unwrap();
    let (tcp, ..) = door.accepted.recv().await.unwrap();
    let (mut taken, chunk) = (0, [0; 16 << 10]);
    // What is on its way fills the client's own buffer, at most; beyond that there is the bound.
    while let Ok(Ok(())) = tokio::time::timeout(Duration::from_secs(1), tcp.writable()).await {
        match tcp.try_write(&chunk) {
            Ok(count) => taken += count,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    let received = SockRef::from(&client).recv_buffer_size().unwrap();
    assert!(taken <= received + 2 * UNSENT as usize, "{taken} bytes were taken, of {received} to be received");
}

#[tokio::test]
async fn at_the_limit_the_next_connection_waits_and_gets_in_when_one_leaves() {
    let mut door = open_door(&["127.0.0.1:0"], limits(1, 10));
    let _first_client = TcpStream::connect(door.addresses[0]).await.unwrap();
    let first = door.accepted.recv().await.unwrap();
    // The kernel takes the second connection; postern does not.
    let second_client = TcpStream::connect(door.addresses[0]).await.unwrap();
    tokio::task::yield_now().await;
    assert!(door.accepted.try_recv().is_err());
    assert_eq!(*door.refused.lock().unwrap(), [Refused::Connections]);
    drop(first);
    let (_tcp, peer, _permit) = door.accepted.recv().await.unwrap();
    assert_eq!(peer, second_client.local_addr().unwrap());
}

#[tokio::test]
async fn an_address_with_its_share_is_closed_and_another_still_gets_in() {
    let mut door = open_door(&["127.0.0.1:0"], limits(10, 1));
    let _first_client = TcpStream::connect(door.addresses[0]).await.unwrap();
    let first = door.accepted.recv().await.unwrap();
    let mut second_client = TcpStream::connect(door.addresses[0]).await.unwrap();
    assert!(matches!(second_client.read(&mut [0]).await, Ok(0) | Err(_)));
    assert_eq!(*door.refused.lock().unwrap(), [Refused::PerAddress]);

    // All of 127.0.0.0/8 is this machine on Linux only.
    if cfg!(target_os = "linux") {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let _other_client = socket.connect(door.addresses[0]).await.unwrap();
        assert_eq!(door.accepted.recv().await.unwrap().1.ip().to_string(), "127.0.0.2");
    }
    drop(first);
    let _third_client = TcpStream::connect(door.addresses[0]).await.unwrap();
    assert_eq!(door.accepted.recv().await.unwrap().1.ip().to_string(), "127.0.0.1");
}

#[tokio::test]
async fn shutdown_closes_the_door_and_leaves_connections_alone() {
    let mut door = open_door(&["127.0.0.1:0"], limits(10, 10));
    let mut client = TcpStream::connect(door.addresses[0]).await.unwrap();
    let (mut tcp, _, _permit) = door.accepted.recv().await.unwrap();
    door.close.send(()).unwrap();
    door.closed.await.unwrap();
    assert!(TcpStream::connect(door.addresses[0]).await.is_err());
    tcp.write_all(b"x").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'x');
}

/// Before the listener is even looked at, and after it was told to close.
#[tokio::test]
async fn who_waits_already_is_taken_in_before_the_door_is_closed() {
    let listeners = bind(&["127.0.0.1:0".parse().unwrap()], vec![], false).unwrap();
    let address = listeners.addresses()[0];
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(TcpStream::connect(address).await.unwrap());
    }
    let (gate, refused) = gate(limits(20, 20));
    let mut accepted = Vec::new();
    listeners.run(&gate, |tcp, peer, permit| accepted.push((tcp, peer, permit)), async {}).await;
    let peers: Vec<_> = accepted.iter().map(|(_, peer, _)| *peer).collect();
    assert_eq!(peers, clients.iter().map(|client| client.local_addr().unwrap()).collect::<Vec<_>>());
    for ((tcp, ..), client) in accepted.iter_mut().zip(&mut clients) {
        tcp.write_all(b"x").await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'x');
    }
    assert!(TcpStream::connect(address).await.is_err() && refused.lock().unwrap().is_empty());
}

#[tokio::test]
async fn who_waits_for_room_at_the_end_does_not_hold_up_the_door() {
    let listeners = bind(&["127.0.0.1:0".parse().unwrap()], vec![], false).unwrap();
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(TcpStream::connect(listeners.addresses()[0]).await.unwrap());
    }
    let (gate, refused) = gate(limits(1, 20));
    let mut accepted = Vec::new();
    listeners.run(&gate, |tcp, peer, permit| accepted.push((tcp, peer, permit)), async {}).await;
    assert_eq!((accepted.len(), refused.lock().unwrap().as_slice()), (1, [Refused::Connections].as_slice()));
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_process_can_bind_what_the_first_still_serves_if_both_say_so() {
    let any = "127.0.0.1:0".parse().unwrap();
    let first = bind(&[any], vec![], true).unwrap();
    let address = first.addresses()[0];
    assert!(matches!(bind(&[address], vec![], false).unwrap_err(), Error::InUse { .. }));
    let second = bind(&[address], vec![], true).unwrap();
    let (gate, _) = gate(limits(10, 10));
    let mut accepted = Vec::new();
    first.run(&gate, |tcp, peer, permit| accepted.push((tcp, peer, permit)), async {}).await;
    let client = TcpStream::connect(address).await.unwrap();
    second.run(&gate, |tcp, peer, permit| accepted.push((tcp, peer, permit)), async {}).await;
    assert_eq!(accepted.iter().map(|(_, peer, _)| *peer).collect::<Vec<_>>(), [client.local_addr().unwrap()]);
}

#[tokio::test]
async fn inherited_sockets_are_served_instead_of_what_is_configured_and_who_waits_at_the_end_is_left_to_the_next() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, kept) = (socket.local_addr().unwrap(), socket.try_clone().unwrap());
    let listeners = bind(&["192.0.2.1:1".parse().unwrap()], vec![socket], false).unwrap();
    assert_eq!(listeners.addresses(), [address]);
    let client = TcpStream::connect(address).await.unwrap();
    let (gate, _) = gate(limits(10, 10));
    let mut accepted = Vec::new();
    listeners.run(&gate, |tcp, peer, permit| accepted.push((tcp, peer, permit)), async {}).await;
    assert!(accepted.is_empty());
    let next = bind(&[], vec![kept], false).unwrap();
    let (served, serving) = oneshot::channel();
    let mut served = Some(served);
    let serve = |_, peer, _| served.take().unwrap().send(peer).unwrap();
    let taken = async { assert_eq!(serving.await.unwrap(), client.local_addr().unwrap()) };
    next.run(&gate, serve, taken).await;
}

#[tokio::test]
async fn an_accept_without_file_descriptors_is_survived() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let no_descriptors = 24; // EMFILE
    let mut failures = VecDeque::from([
        io::Error::from_raw_os_error(no_descriptors),
        io::ErrorKind::ConnectionAborted.into(),
        io::Error::from_raw_os_error(no_descriptors),
    ]);
    let accept = |context: &mut Context<'_>| match failures.pop_front() {
        Some(error) => Poll::Ready(Err(error)),
        None => listener.poll_accept(context),
    };
    let (gate, refused) = gate(limits(1, 1));
    let (hand, mut accepted) = mpsc::channel(1);
    let mut serve = |tcp, peer, permit| hand.try_send((tcp, peer, permit)).unwrap();
    tokio::select! {
        never = accept_forever(accept, &gate, &mut serve) => match never {},
        connection = accepted.recv() => assert!(connection.is_some()),
    }
    assert_eq!(*refused.lock().unwrap(), [Refused::Accept, Refused::Accept, Refused::Connections]);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(&["127.0.0.1:0".parse().unwrap(), address], vec![], false).unwrap_err();
    assert!(matches!(error, Error::InUse { address: named } if named == address));
    let text = Chain(&error).to_string();
    assert!(text.starts_with(&format!("failed to listen on `{address}`: the port is in use\nhint: ")), "{text}");
}

#[tokio::test]
async fn an_address_of_another_machine_is_named() {
    // 192.0.2.0/24 is for documentation (RFC 5737).
    let error = bind(&["192.0.2.1:0".parse().unwrap()], vec![], false).unwrap_err();
    assert!(matches!(error, Error::NotHere { .. }), "{error}");
}

#[test]
fn each_reason_for_not_listening_has_its_advice() {
    let address = "0.0.0.0:443".parse().unwrap();
    let told = |kind: io::ErrorKind| Chain(&explain(address, kind.into())).to_string();
    assert!(told(io::ErrorKind::PermissionDenied).contains("CAP_NET_BIND_SERVICE"));
    assert!(told(io::ErrorKind::AddrNotAvailable).contains("`0.0.0.0:443` in `listen`"));
    assert!(told(io::ErrorKind::OutOfMemory).starts_with("failed to listen on `0.0.0.0:443`: "));
}

#[tokio::test]
async fn one_port_can_be_asked_for_on_ipv4_and_ipv6() {
    let Ok(probe) = bind(&["[::]:0".parse().unwrap()], vec![], false) else { return };
    let port = probe.addresses()[0].port();
    drop(probe);
    let both = [format!("0.0.0.0:{port}").parse().unwrap(), format!("[::]:{port}").parse().unwrap()];
    // Another process may have taken the port meanwhile; then there is nothing to see here.
    match bind(&both, vec![], false) {
        Ok(listeners) => assert_eq!(listeners.addresses(), both),
        Err(error) => assert!(matches!(error, Error::InUse { .. }), "{error}"),
    }
}
