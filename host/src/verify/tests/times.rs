//! That what was signed too long ago, or ahead of now, is not taken.

use super::*;

#[test]
fn a_delivery_is_taken_within_the_tolerance_before_and_after_and_not_beyond() {
    let mut timed = 0;
    for vector in vectors() {
        let at = |now| Request { now, ..vector.clone() }.check();
        if !vector.provider.has_timestamp() {
            assert!(at(0).is_ok() && at(u64::MAX).is_ok(), "{:?}", vector.provider);
            continue;
        }
        timed += 1;
        let then = vector.now;
        for now in [then - 300, then, then + 300] {
            assert!(at(now).is_ok(), "{:?}", vector.provider);
        }
        for (now, refusal) in [
            (then - 301, SignatureRefusal::TooNew(301)),
            (then + 301, SignatureRefusal::TooOld(301)),
            (0, SignatureRefusal::TooNew(then)),
            (u64::MAX, SignatureRefusal::TooOld(u64::MAX - then)),
        ] {
            assert_eq!(at(now), Err(refusal), "{:?}", vector.provider);
        }
    }
    assert_eq!(timed, 3, "Stripe, Slack and Standard Webhooks");
}

#[test]
fn a_version_of_stripes_that_proves_nothing_is_passed_and_several_that_do_are_each_tried() {
    let stripe = vectors().into_iter().find(|vector| vector.provider == Provider::Stripe).unwrap();
    let (time, right) = std::str::from_utf8(&stripe.headers[0].1).unwrap().split_once(',').unwrap();
    let wrong = format!("v1={}", "0".repeat(64));
    let with = |value: String| {
        let mut request = stripe.clone();
        request.headers[0].1 = value.into_bytes();
        request.check()
    };
    assert!(with(format!("{time},{wrong},{right},v0=deadbeef")).is_ok());
    assert!(with(format!("{right},{time}")).is_ok());
    let malformed = Err(SignatureRefusal::Malformed(stripe.headers[0].0.clone()));
    for value in [
        format!("{time},v0=deadbeef"),
        format!("{time},{time},{right}"),
        format!("{time},{right},"),
        format!("{time}, {right}"),
        right.to_owned(),
        format!("t=,{right}"),
        format!("t=+1789000000,{right}"),
        format!("{time}{}", format!(",{wrong}").repeat(17)),
    ] {
        assert_eq!(with(value.clone()), malformed, "{value}");
    }
    assert_eq!(with(format!("{time}{},{right}", format!(",{wrong}").repeat(15))).err(), None);
}
