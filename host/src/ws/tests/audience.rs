//! Streams where somebody chooses who gets an event.

use super::*;
use crate::message::{ClientId, Label};
use crate::task;
use crate::ws::choose::{Choose, Chooser, serve};
use std::sync::atomic::AtomicUsize;

/// Lets through what is the number of a label of the client's, and fails at first.
struct ByLabel {
    failures: AtomicUsize,
    calls: Arc<AtomicUsize>,
}

impl Choose for ByLabel {
    fn choose(&self, frame: &Arc<Frame>, clients: &[Arc<Card>]) -> Option<Vec<bool>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            return None;
        }
        let last = std::str::from_utf8(frame.payload()).expect("a number").chars().last().expect("a digit");
        let wants = |card: &Arc<Card>| card.labels.iter().any(|label| label.value == last.to_string());
        Some(clients.iter().map(wants).collect())
    }
}

fn chosen(failures: usize) -> (Arc<Stream>, Arc<AtomicUsize>) {
    let (queue, tasks) = std::sync::mpsc::sync_channel(4);
    let calls = Arc::<AtomicUsize>::default();
    let choose = ByLabel { failures: AtomicUsize::new(failures), calls: calls.clone() };
    task::thread("choose", move || tasks.into_iter().for_each(|task| serve(task, &choose))).expect("a thread starts");
    (Arc::new(Stream { chooser: Some(Chooser::new(queue, Arc::default())), ..shape(Slow::CatchUp) }), calls)
}

fn label(value: &str) -> Label {
    Label { key: "digit".into(), value: value.into() }
}

fn joining(stream: &Arc<Stream>, id: u64, digits: &[&str]) -> Who {
    let labels = digits.iter().map(|digit| label(digit)).collect();
    let card = Arc::new(Card { labels, ..Card::test(id) });
    Who { card, stream: stream.clone(), ..who(Form::Raw, cursor(1)) }
}

#[test]
fn each_client_gets_what_is_chosen_for_it_in_order_from_the_disk_and_live() {
    run(async {
        // What is carried has the even numbers, 0 to 38.
        let edge = Edge::start(40);
        let (stream, _) = chosen(2);
        let mut two = edge.join(joining(&stream, 1, &["2"]), 8).await;
        let mut both = edge.join(joining(&stream, 2, &["2", "4"]), 1000).await;
        let mut none = edge.join(joining(&stream, 3, &[]), 1000).await;
        for number in 0..300 {
            edge.publish(&format!("live {number}"));
        }
        let all = (0..40).step_by(2).map(|number| number.to_string());
        let all: Vec<String> = all.chain((0..300).map(|number| format!("live {number}"))).collect();
        for body in &all {
            if body.ends_with('2') {
                assert_eq!(&two.text().await, body);
            }
            if body.ends_with(['2', '4']) {
                assert_eq!(&both.text().await, body);
            }
        }
        edge.shards.applied(vec![Change::AddLabel { client: ClientId(3), label: label("z") }], Offset(0)).await;
        edge.publish("the z");
        assert_eq!(none.text().await, "the z", "and nothing before it");
    });
}

#[test]
fn a_label_that_changes_is_asked_about_again() {
    run(async {
        let edge = Edge::start(0);
        let (stream, _) = chosen(0);
        let mut client = edge.join(joining(&stream, 1, &["1"]), 1000).await;
        for number in 0..50 {
            edge.shards.applied(vec![Change::RemoveLabel { client: ClientId(1), label: label("1") }], Offset(0)).await;
            edge.publish("not 1");
            edge.shards.applied(vec![Change::AddLabel { client: ClientId(1), label: label("2") }], Offset(0)).await;
            let wanted = format!("{number} of 2");
            edge.publish(&wanted);
            assert_eq!(client.text().await, wanted);
            edge.shards.applied(vec![Change::RemoveLabel { client: ClientId(1), label: label("2") }], Offset(0)).await;
            edge.shards.applied(vec![Change::AddLabel { client: ClientId(1), label: label("1") }], Offset(0)).await;
        }
    });
}

#[test]
fn the_last_n_are_those_that_are_chosen() {
    run(async {
        let edge = Edge::start(40);
        let (stream, _) = chosen(0);
        let card = joining(&stream, 1, &["2"]).card;
        // 2, 12, 22 and 32 are chosen, at the offsets one higher.
        for (count, wanted) in [(1, 33), (2, 23), (4, 3), (5, 1)] {
            let found = edge.shards.last(&stream, &card, count, Offset(41)).await;
            assert_eq!(found, Some(Offset(wanted)), "{count}");
        }
        assert_eq!(edge.shards.count(&stream, &card, Offset(1)..Offset(41), 100).await, Some(4));
    });
}

#[test]
fn many_clients_are_asked_about_together() {
    run(async {
        let edge = Edge::start(0);
        let (stream, calls) = chosen(0);
        let mut clients = Vec::new();
        for id in 1..=200 {
            clients.push(edge.join(joining(&stream, id, &["1"]), 1000).await);
        }
        for number in 0..10 {
            let body = format!("{number} of 1");
            edge.publish(&body);
            for client in &mut clients {
                assert_eq!(client.text().await, body);
            }
        }
        let calls = calls.load(Ordering::Relaxed);
        assert!(calls <= 20, "{calls} calls for ten events");
    });
}
