//! Any bytes, between records that are as they should be, and cut anywhere: content is given that was sealed, in order, and
//! nothing else.

use super::*;
use crate::random::cases;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Says(Vec<u8>),
    Exchanges,
    Bytes(Vec<u8>),
    Cut(usize),
    Flip(usize),
    Hears(usize),
    Answers(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || vec(any::<u8>(), 0..200);
    prop_oneof![
        6 => bytes().prop_map(Step::Says),
        2 => Just(Step::Exchanges),
        1 => bytes().prop_map(Step::Bytes),
        1 => (1..300_usize).prop_map(Step::Cut),
        1 => (1..300_usize).prop_map(Step::Flip),
        6 => (1..300_usize).prop_map(Step::Hears),
        4 => bytes().prop_map(Step::Answers),
    ]
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn nothing_is_heard_but_what_was_said(steps in vec(step(), 1..30), piece in 1..500_usize) {
        let mut ends = Ends::shaken(OWN, piece);
        let (mut said, mut heard, mut answered, mut answers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut intact = true;
        for step in steps {
            let on_wire = ends.wire.to_server.len();
            match step {
                Step::Says(bytes) => {
                    ends.client_says(&bytes);
                    said.extend(bytes);
                }
                Step::Exchanges => {
                    ends.client.refresh_traffic_keys().unwrap();
                    ends.client_speaks();
                }
                Step::Bytes(bytes) => {
                    intact &= bytes.is_empty();
                    ends.wire.to_server.extend(bytes);
                }
                Step::Cut(bytes) => {
                    intact &= on_wire == 0;
                    ends.wire.to_server.truncate(on_wire.saturating_sub(bytes));
                }
                Step::Flip(at) if on_wire > 0 => {
                    intact = false;
                    ends.wire.to_server[at % on_wire] ^= 1;
                }
                Step::Flip(_) => {}
                Step::Hears(size) => {
                    let (read, end) = ends.server_reads(size);
                    heard.extend(read);
                    if intact {
                        prop_assert_eq!(kind(end), ErrorKind::WouldBlock);
                    }
                }
                Step::Answers(bytes) => {
                    let slices = [IoSlice::new(&bytes)];
                    match ends.server.write(&mut ends.wire, &slices, &mut ends.scratch) {
                        Ok(written) => answered.extend_from_slice(&bytes[..written.accepted]),
                        Err(_) => prop_assert!(!intact),
                    }
                }
            }
            prop_assert!(said.starts_with(&heard));
            let is_well = ends.client_hears().is_ok();
            let _ = ends.client.reader().read_to_end(&mut answers);
            if !is_well {
                prop_assert!(!intact);
                break;
            }
        }
        if intact {
            heard.extend(ends.server_reads(64).0);
            prop_assert_eq!(&heard, &said);
        }
        prop_assert_eq!(answers, answered);
    }
}
