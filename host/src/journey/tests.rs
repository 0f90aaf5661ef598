use super::*;

fn arrive(journeys: &Journeys, events: std::ops::Range<u64>) -> Instant {
    let receipt = journeys.begin(|| None);
    let begun = receipt.begun;
    Receipt::arrived([(receipt, "w".into(), events.map(EventId))].into_iter(), begun + Duration::from_millis(1));
    begun
}

fn given(event: u64, clients: u32, timely: bool, first: Instant) -> Given {
    Given { event: EventId(event), clients, timely, first }
}

#[test]
fn a_journey_is_settled_once_with_the_first_and_the_last_of_all_shards() {
    let journeys = Journeys::default();
    let begun = arrive(&journeys, 5..7);
    let after = |millis| begun + Duration::from_millis(millis);
    // A shard may be quicker than the one who published.
    journeys.given([given(5, 2, true, after(10))].into_iter(), after(14));
    journeys.published([EventId(5), EventId(6), EventId(99)].into_iter(), after(9));
    journeys.given([given(5, 1, true, after(8))].into_iter(), after(11));
    journeys.given([given(5, 1, false, after(400)), given(4, 1, true, after(1))].into_iter(), after(500));
    assert!(journeys.settle(after(9) + SETTLES - Duration::from_millis(1)).is_empty(), "it is not yet due");
    let settled = journeys.settle(after(9) + SETTLES);
    let sockets = |index: usize| settled[index].sockets;
    assert_eq!(settled.iter().map(|journey| journey.event.0).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(sockets(0), Sockets { clients: 4, first: Some(after(8)), last: Some(after(14)) });
    assert_eq!(sockets(1), Sockets::default());
    assert!(journeys.settle(after(60_000)).is_empty(), "once");
    let told = journeys.sockets(EventId(5)).expect("it is still known");
    assert_eq!(told, (4, Some(Duration::from_millis(8)), Some(Duration::from_millis(14))));
}

#[test]
fn what_is_judged_again_says_so_and_its_second_delivery_is_not_noted() {
    let journeys = Journeys::default();
    let begun = arrive(&journeys, 1..2);
    let held = begun + Duration::from_millis(2);
    journeys.published([EventId(1)].into_iter(), held);
    journeys.again(EventId(1));
    journeys.published([EventId(1)].into_iter(), held + SETTLES);
    journeys.given([given(1, 1, true, held + SETTLES)].into_iter(), held + SETTLES);
    let settled = journeys.settle(begun + 3 * SETTLES);
    let [journey] = &settled[..] else { panic!("once: {settled:?}") };
    assert!(journey.retried);
    assert_eq!((journey.published, journey.sockets), (Some(held), Sockets::default()));
}

#[test]
fn the_oldest_are_forgotten_and_nobody_is_traced_for_ever() {
    let journeys = Journeys::default();
    journeys.sample(Some(1.0));
    let most = MOST as u64;
    // Events of another kind lie between.
    let begun = arrive(&journeys, 0..1);
    arrive(&journeys, 10..10 + most);
    assert_eq!(journeys.sockets(EventId(0)), None);
    assert!(!journeys.is_traced(EventId(0)) && journeys.is_traced(EventId(10)) && !journeys.is_traced(EventId(5)));
    assert_eq!(journeys.0.traced.load(Ordering::Relaxed), MOST);
    journeys.published((10..10 + most).map(EventId), begun);
    let settled = journeys.settle(begun + SETTLES);
    assert_eq!(settled.len(), MOST);
    assert!(settled.iter().all(|journey| journey.trace.is_some()));
    assert_eq!(journeys.0.traced.load(Ordering::Relaxed), 0);
    arrive(&journeys, 100_000..100_001);
    assert_eq!(journeys.0.traced.load(Ordering::Relaxed), 1);
}
