//! Sockets that whoever started postern has opened for it, as systemd does (sd_listen_fds): they stay open while one
//! process takes over from another, so nobody is refused meanwhile, and ports below 1024 need no privilege.
//!
//! A socket's name says which listener it is: `FileDescriptorName=edge`, `FileDescriptorName=admin`. One without such
//! a name goes where the configuration has its address, else to the edge, then to admin, as long as there is need.

use listenfd::ListenFd;
use std::io;
use std::net::{SocketAddr, TcpListener};

/// The names a listener's sockets may have.
const EDGE: &str = "edge";
const ADMIN: &str = "admin";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "failed to take socket {number}, named `{name}`, from whoever started postern: it is not for TCP\n\
         hint: in a systemd socket unit, `ListenStream=` with a port or an address and a port makes one that is"
    )]
    NotTcp { number: usize, name: String, source: io::Error },
    #[error(
        "failed to take socket {number}, named `{name}`, from whoever started postern: it does not listen\n\
         hint: in a systemd socket unit, write `Accept=no`, which is the default"
    )]
    NotListening { number: usize, name: String },
    #[error(
        "failed to take socket {number} from whoever started postern: no listener has the name `{name}`\n\
         hint: in the systemd socket unit, write `FileDescriptorName=edge` or `FileDescriptorName=admin`"
    )]
    UnknownName { number: usize, name: String },
    #[error(
        "failed to take socket {number}, at `{address}`, from whoever started postern: there are more sockets than \
         `listen` and `admin.listen` have addresses\n\
         hint: leave it out, name its address there, or write `FileDescriptorName=edge` in the systemd socket unit"
    )]
    Surplus { number: usize, address: SocketAddr },
    #[error("failed to take socket {number}, named `{name}`, from whoever started postern")]
    Other { number: usize, name: String, source: io::Error },
}

/// Not yet known for which listener.
#[derive(Debug, Default)]
pub struct Inherited(Vec<Socket>);

#[derive(Debug)]
struct Socket {
    /// Empty when it has none of its own.
    name: String,
    address: SocketAddr,
    listener: TcpListener,
}

/// What each listener has got. One that has got any binds nothing itself.
#[derive(Debug, Default)]
pub struct Given {
    pub edge: Vec<TcpListener>,
    pub admin: Vec<TcpListener>,
}

/// Takes what was handed to this process, which is nothing most of the time. It takes `LISTEN_FDS` and `LISTEN_PID` out
/// of the environment, so that no child believes them meant for it: call it once, before any thread is started.
pub fn inherited() -> Result<Inherited, Error> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    take(ListenFd::from_env(), &names)
}

fn take(mut sockets: ListenFd, names: &str) -> Result<Inherited, Error> {
    let mut names = names.split(':');
    let mut taken = Vec::new();
    for number in 0..sockets.len() {
        let name = names.next().unwrap_or_default().to_owned();
        let listener = match sockets.take_tcp_listener(number) {
            Ok(Some(listener)) => listener,
            Ok(None) => continue,
            Err(source) => return Err(Error::NotTcp { number, name, source }),
        };
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        if !socket2::SockRef::from(&listener).is_listener().unwrap_or(true) {
            return Err(Error::NotListening { number, name });
        }
        let address = match listener.local_addr() {
            Ok(address) => address,
            Err(source) => return Err(Error::Other { number, name, source }),
        };
        taken.push(Socket { name, address, listener });
    }
    Ok(Inherited(taken))
}

impl Inherited {
    /// Says which socket is for which listener, by what is configured for each. All of them have a use, or it fails.
    pub fn assign(self, edge: &[SocketAddr], admin: &[SocketAddr]) -> Result<Given, Error> {
        let mut given = Given::default();
        let mut strays = Vec::new();
        for (number, socket) in self.0.into_iter().enumerate() {
            match socket.name.as_str() {
                EDGE => given.edge.push(socket.listener),
                ADMIN => given.admin.push(socket.listener),
                name if !is_default(name) => return Err(Error::UnknownName { number, name: socket.name }),
                _ if edge.contains(&socket.address) => given.edge.push(socket.listener),
                _ if admin.contains(&socket.address) => given.admin.push(socket.listener),
                _ => strays.push((number, socket)),
            }
        }
        for (number, socket) in strays {
            if given.edge.len() < edge.len() {
                given.edge.push(socket.listener);
            } else if given.admin.len() < admin.len() {
                given.admin.push(socket.listener);
            } else {
                return Err(Error::Surplus { number, address: socket.address });
            }
        }
        Ok(given)
    }
}

/// What systemd calls a socket that was not given a name: after its unit, or `unknown`.
fn is_default(name: &str) -> bool {
    name.is_empty() || name == "unknown" || name.ends_with(".socket")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(name: &str) -> Socket {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Socket { name: name.to_owned(), address: listener.local_addr().unwrap(), listener }
    }

    /// The indexes of the sockets that each listener gets.
    fn assigned(names: &[&str], edge: &[usize], admin: &[usize], others: usize) -> Result<[Vec<usize>; 2], Error> {
        let sockets: Vec<Socket> = names.iter().map(|name| socket(name)).collect();
        let addresses: Vec<SocketAddr> = sockets.iter().map(|socket| socket.address).collect();
        let elsewhere = std::iter::repeat_n("192.0.2.1:1".parse().unwrap(), others);
        let edge: Vec<SocketAddr> = edge.iter().map(|index| addresses[*index]).chain(elsewhere).collect();
        let admin: Vec<SocketAddr> = if admin.is_empty() {
            vec!["192.0.2.1:2".parse().unwrap()]
        } else {
            admin.iter().map(|index| addresses[*index]).collect()
        };
        let given = Inherited(sockets).assign(&edge, &admin)?;
        let index = |listener: &TcpListener| {
            let address = listener.local_addr().unwrap();
            addresses.iter().position(|other| *other == address).unwrap()
        };
        Ok([given.edge, given.admin].map(|listeners| listeners.iter().map(index).collect()))
    }

    #[test]
    fn a_name_says_which_listener_a_socket_is_for() {
        let given = assigned(&["admin", "edge", "edge"], &[0], &[], 0).unwrap();
        assert_eq!(given, [vec![1, 2], vec![0]]);
        let error = assigned(&["edge", "amdin"], &[], &[], 1).unwrap_err().to_string();
        assert!(error.contains("socket 1") && error.contains("`amdin`"), "{error}");
    }

    #[test]
    fn a_socket_without_a_name_goes_where_its_address_is_configured() {
        assert_eq!(assigned(&["", "postern.socket"], &[1], &[0], 0).unwrap(), [vec![1], vec![0]]);
    }

    #[test]
    fn of_others_the_first_are_the_edges() {
        assert_eq!(assigned(&["unknown", "", ""], &[], &[], 2).unwrap(), [vec![0, 1], vec![2]]);
        assert_eq!(assigned(&["", "", ""], &[1], &[], 1).unwrap(), [vec![1, 0], vec![2]]);
        assert_eq!(assigned(&[""], &[], &[], 1).unwrap(), [vec![0], vec![]]);
        assert!(assigned(&[], &[], &[], 1).unwrap().concat().is_empty());
    }

    #[test]
    fn a_socket_too_many_is_told() {
        let error = assigned(&["", "", ""], &[], &[], 1).unwrap_err();
        assert!(matches!(error, Error::Surplus { number: 2, .. }), "{error}");
    }
}
