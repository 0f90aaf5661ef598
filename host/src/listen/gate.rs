//! How many connections there may be, in all and of one address, and who holds them.
//!
//! Proxies carry other people's connections, so they have no share of their own: theirs count in all, and when it is known
//! whose they are, to the share of that address.

use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    /// Of one IPv4 address, or of one IPv6 network of 64 bits: that much every IPv6 client has to itself, so counting
    /// single addresses would limit nobody.
    pub per_address: usize,
}

/// Why a connection did not get in, for whoever counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// All connections are taken: accepting stands still. Counted once each time it comes to that.
    Connections,
    /// The address holds its share already: closed at once.
    PerAddress,
    /// The system could not accept it: most often no file descriptor was left.
    Accept,
}

/// Shared by all listeners whose connections count together.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    /// Held while they are changed.
    limits: Mutex<Limits>,
    per_address: AtomicUsize,
    room: Arc<Semaphore>,
    /// How many places more are taken than there are now: those who go leave none behind.
    surplus: AtomicUsize,
    // Held for one look-up, never across an await.
    of_address: Mutex<HashMap<IpAddr, usize>>,
    open: AtomicUsize,
    /// Whether an address is a proxy's.
    carries: ArcSwap<Carries>,
    refused: Box<dyn Fn(Refused) + Send + Sync>,
}

type Carries = Box<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Room for one connection, before it is known whose.
pub(super) struct Room {
    place: Option<OwnedSemaphorePermit>,
    gate: Arc<Shared>,
}

/// One connection's place, until it is dropped.
#[must_use = "the connection is counted only as long as this lives"]
pub struct Permit {
    share: Share,
    room: Room,
}

/// One of the connections of an address, until it is dropped. It is none where the address is a proxy's.
#[must_use = "it is counted only as long as this lives"]
pub struct Share {
    gate: Gate,
    address: Option<IpAddr>,
}

impl Gate {
    /// `refused` is called on the accepting task: it counts and returns.
    pub fn new(limits: Limits, refused: impl Fn(Refused) + Send + Sync + 'static) -> Self {
        let limits = limits.sensible();
        Self(Arc::new(Shared {
            limits: Mutex::new(limits),
            per_address: AtomicUsize::new(limits.per_address),
            room: Arc::new(Semaphore::new(limits.connections)),
            surplus: AtomicUsize::new(0),
            of_address: Mutex::default(),
            open: AtomicUsize::new(0),
            carries: ArcSwap::from_pointee(Box::new(|_| false)),
            refused: Box::new(refused),
        }))
    }

    /// From now on there is so much room. Whoever is in stays, also when there are more than that.
    pub fn set_limits(&self, limits: Limits) {
        let limits = limits.sensible();
        let mut before = self.0.limits.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.per_address.store(limits.per_address, Ordering::Release);
        if let Some(fewer) = before.connections.checked_sub(limits.connections) {
            let gone = self.0.room.forget_permits(fewer);
            self.0.surplus.fetch_add(fewer - gone, Ordering::AcqRel);
        } else {
            let more = limits.connections - before.connections;
            let spoken_for = |surplus: usize| Some(surplus.saturating_sub(more));
            let surplus = self.0.surplus.fetch_update(Ordering::AcqRel, Ordering::Acquire, spoken_for);
            self.0.room.add_permits(more.saturating_sub(surplus.unwrap_or_default()));
        }
        *before = limits;
    }

    /// From now on these addresses are proxies'.
    pub fn set_carriers(&self, carries: impl Fn(IpAddr) -> bool + Send + Sync + 'static) {
        let carries: Carries = Box::new(carries);
        self.0.carries.store(Arc::new(carries));
    }

    /// How many connections there are.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Waits for room. Cancel safe.
    pub(super) async fn room(&self) -> Room {
        if let Ok(place) = self.0.room.clone().try_acquire_owned() {
            return self.room_of(place);
        }
        (self.0.refused)(Refused::Connections);
        self.room_of(self.0.room.clone().acquire_owned().await.expect("this semaphore is never closed"))
    }

    fn room_of(&self, place: OwnedSemaphorePermit) -> Room {
        Room { place: Some(place), gate: self.0.clone() }
    }

    pub(super) fn admit(&self, room: Room, address: IpAddr) -> Option<Permit> {
        let share = self.share(address)?;
        self.0.open.fetch_add(1, Ordering::Relaxed);
        Some(Permit { share, room })
    }

    /// One more for an address, if it has not got its share already. Never waits.
    pub fn share(&self, address: IpAddr) -> Option<Share> {
        if (self.0.carries.load())(address) {
            return Some(Share { gate: self.clone(), address: None });
        }
        let address = network(address);
        let mut addresses = self.0.addresses();
        let count = addresses.entry(address).or_default();
        if *count >= self.0.per_address.load(Ordering::Acquire) {
            drop(addresses);
            (self.0.refused)(Refused::PerAddress);
            return None;
        }
        *count += 1;
        drop(addresses);
        Some(Share { gate: self.clone(), address: Some(address) })
    }

    /// A place for one who shares a connection with others, if there is one. Never waits.
    pub fn another(&self, address: IpAddr) -> Option<Permit> {
        let Ok(place) = self.0.room.clone().try_acquire_owned() else {
            (self.0.refused)(Refused::Connections);
            return None;
        };
        self.admit(self.room_of(place), address)
    }

    pub(super) fn failed(&self) {
        (self.0.refused)(Refused::Accept);
    }
}

impl Shared {
    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Nothing that holds the lock can panic half-way through a change, so a poisoned map is still right.
        self.of_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limits {
    fn sensible(self) -> Self {
        Self { connections: self.connections.min(Semaphore::MAX_PERMITS), ..self }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let one_less = |surplus: usize| surplus.checked_sub(1);
        let is_surplus = self.gate.surplus.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).is_ok();
        if is_surplus && let Some(place) = self.place.take() {
            place.forget();
        }
    }
}

impl Permit {
    /// The same place, now that it is known for whom: another share is counted. `None` when that address has its share.
    pub fn of(mut self, address: IpAddr) -> Option<Self> {
        self.share = self.share.gate.share(address)?;
        Some(self)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.room.gate.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        if let Entry::Occupied(mut count) = self.gate.0.addresses().entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("address", &self.share.address).finish_non_exhaustive()
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one_address_and_each_ipv4_address_for_itself() {
        let ip = |text: &str| network(text.parse().unwrap());
        assert_eq!(ip("2001:db8:1:2:3:4:5:6"), ip("2001:db8:1:2:ffff::1"));
        assert_ne!(ip("2001:db8:1:2::1"), ip("2001:db8:1:3::1"));
        assert_ne!(ip("192.0.2.1"), ip("192.0.2.2"));
    }

    #[test]
    fn room_that_is_taken_away_is_not_there_again_when_those_in_it_leave() {
        let limits = |connections| Limits { connections, per_address: 100 };
        let address = "192.0.2.1".parse().unwrap();
        let gate = Gate::new(limits(4), |_| {});
        let mut inside: Vec<Permit> = (0..4).filter_map(|_| gate.another(address)).collect();
        assert_eq!(inside.len(), 4);
        gate.set_limits(limits(2));
        inside.truncate(2);
        assert!(gate.another(address).is_none(), "two are in, and there is room for two");
        inside.pop();
        inside.extend(gate.another(address));
        assert_eq!(inside.len(), 2);
        gate.set_limits(limits(1));
        gate.set_limits(limits(3));
        inside.extend(gate.another(address));
        assert_eq!((inside.len(), gate.another(address).is_none()), (3, true));
        gate.set_limits(Limits { connections: 9, per_address: 3 });
        assert!(gate.another(address).is_none(), "an address has its share");
        drop(inside);
        assert_eq!((gate.open(), gate.0.room.available_permits()), (0, 9));
    }

    #[tokio::test]
    async fn a_proxy_has_no_share_and_those_it_carries_have_theirs() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let (proxy, client) = (ip("10.0.0.1"), ip("192.0.2.1"));
        let gate = Gate::new(Limits { connections: 10, per_address: 1 }, |_| {});
        gate.set_carriers(move |address| address == proxy);
        let mut permits = vec![];
        for _ in 0..3 {
            permits.push(gate.admit(gate.room().await, proxy).unwrap());
        }
        let first = permits.pop().unwrap().of(client).unwrap();
        assert!(permits.pop().unwrap().of(client).is_none(), "it has its share");
        assert_eq!(gate.open(), 2);
        drop(first);
        let share = gate.share(client).unwrap();
        assert!(gate.admit(gate.room().await, client).is_none());
        drop(share);
        assert!(gate.admit(gate.room().await, client).is_some());
        drop(permits);
        assert_eq!((gate.open(), gate.0.addresses().len()), (0, 0));
    }
}
