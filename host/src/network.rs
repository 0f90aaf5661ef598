//! A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address alone.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Its address has no bit set beyond its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOne {
    /// Neither an address nor an address with a length.
    Text,
    /// The address has bits set beyond its length: this is the network it is in.
    Within(Network),
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        // An IPv4 client of an IPv6 socket is one of IPv4.
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                cut(address.to_canonical(), self.length) == self.address
            }
            _ => false,
        }
    }

    /// Whether it is everything there is of its family.
    pub fn is_all(&self) -> bool {
        self.length == 0
    }
}

impl FromStr for Network {
    type Err = NotOne;

    fn from_str(text: &str) -> Result<Self, NotOne> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotOne::Text)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => bits,
            // `+8` and `08` are numbers to the parser, and no lengths to anybody else.
            Some(text) if text.len() > 1 && text.starts_with(['0', '+']) => return Err(NotOne::Text),
            Some(text) => text.parse().ok().filter(|length| *length <= bits).ok_or(NotOne::Text)?,
        };
        let network = Self { address: cut(address, length), length };
        if network.address == address { Ok(network) } else { Err(NotOne::Within(network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// The address without what is beyond its first bits.
fn cut(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    #[test]
    fn a_network_holds_what_begins_with_its_bits_and_nothing_of_the_other_family() {
        let holds = |text: &str, address: &str| network(text).contains(address.parse().expect("an address"));
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.6"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("0.0.0.0/0", "192.0.2.7") && !holds("0.0.0.0/0", "::1") && !holds("::/0", "192.0.2.7"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"), "an IPv4 address, as an IPv6 socket tells it");
    }

    #[test]
    fn what_is_no_network_is_refused_and_one_beside_its_place_is_told_its_place() {
        for text in ["", "10", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/-1", "a/8"]
        {
            assert_eq!(text.parse::<Network>(), Err(NotOne::Text), "{text}");
        }
        assert_eq!("10.1.2.3/8".parse::<Network>(), Err(NotOne::Within(network("10.0.0.0/8"))));
        assert_eq!(network("2001:db8::/32").to_string(), "2001:db8::/32");
    }

    proptest! {
        /// Bit by bit, as one would with a pencil.
        #[test]
        fn to_be_within_is_to_share_the_first_bits(one: u32, other: u32, length in 0_u8..=32) {
            let within = network(&format!("{}/{length}", cut(Ipv4Addr::from_bits(one).into(), length)));
            let shared = (0..u32::from(length)).all(|bit| (one >> (31 - bit)) & 1 == (other >> (31 - bit)) & 1);
            prop_assert_eq!(within.contains(Ipv4Addr::from_bits(other).into()), shared);
        }
    }
}
