//! The gallery's chat, used by three pages of a real browser.

use crate::{home, start};
use postern_tests::guests::gallery;
use postern_tests::{Browser, Client, Config, empty_page};
use serde_json::{Value, json};

fn chat() -> Config {
    let people = ["ann", "bob", "cas"].map(|name| format!("{{ token = \"{name}\", subject = \"{name}\" }}"));
    let back = "{ token = \"back\", subject = \"bob\", labels = { room = \"lobby\" } }";
    Config::basic()
        .without("webhooks.whatsapp")
        .stream("agents", "/chat", &[], "admission = [\"token\"]\nclient = [\"chat\"]")
        .filter("chat", "builtin:chat".as_ref(), "deadline = \"2s\"")
        .filter("token", &gallery("token"), &format!("config = {{ tokens = [{}, {back}] }}", people.join(", ")))
}

const PAGE: &str = "window.state = { heard: [] }; const open = name => new Promise(tell => { \
    const socket = state.socket = new WebSocket(`wss://localhost:${PORT}/chat?token=${name}`); \
    socket.onmessage = message => state.heard.push(JSON.parse(message.data)); socket.onopen = () => tell(true) }); \
    const say = what => state.socket.send(JSON.stringify(what));";

#[tokio::test]
async fn three_pages_talk_in_rooms_and_one_that_was_away_hears_what_was_said() {
    let page = empty_page().await;
    let gateway = start(&chat()).await;
    let port = gateway.edge().port();
    let mut pages = Vec::new();
    for name in ["ann", "bob", "cas"] {
        let Some(mut browser) = Browser::start().await else { return };
        browser.open(&format!("http://{page}/")).await;
        let script = format!("const PORT = {port}; {PAGE} open('{name}')");
        assert_eq!(browser.evaluate(&script).await, Value::Bool(true));
        pages.push(browser);
    }
    let [ann, bob, cas] = pages.as_mut_slice() else { unreachable!("there are three") };
    ann.evaluate("say({ join: 'lobby' })").await;
    ann.until("state.heard.length === 1").await;
    bob.evaluate("say({ join: 'lobby' })").await;
    bob.until("state.heard.length === 1").await;
    cas.evaluate("say({ join: 'attic' })").await;
    cas.until("state.heard.length === 1").await;
    ann.evaluate("say({ say: 'hello <b>all</b> ✓', room: 'lobby' })").await;
    bob.until("state.heard.length === 2").await;
    bob.evaluate("say({ say: 'hello ann', room: 'lobby' }); say({ leave: 'lobby' })").await;
    ann.until("state.heard.length === 5").await;
    ann.evaluate("say({ say: 'gone?', room: 'lobby' })").await;
    ann.until("state.heard.length === 6").await;
    cas.evaluate("say({ say: 'let me in', room: 'lobby' })").await;
    cas.until("state.heard.length === 2").await;
    let joined = |room: &str, who: &str| json!({ "room": room, "joined": who });
    let said = |from: &str, text: &str| json!({ "room": "lobby", "from": from, "text": text });
    let left = json!({ "room": "lobby", "left": "bob" });
    let all = [
        joined("lobby", "ann"),
        joined("lobby", "bob"),
        said("ann", "hello <b>all</b> ✓"),
        said("bob", "hello ann"),
        left,
        said("ann", "gone?"),
    ];
    bob.until("state.heard.length === 4").await;
    assert_eq!(ann.evaluate("state.heard").await, json!(all));
    assert_eq!(bob.evaluate("state.heard").await, json!(all[1..5]));
    let refused = json!({ "error": "you are not in that room" });
    assert_eq!(cas.evaluate("state.heard").await, json!([joined("attic", "cas"), refused]));
    // Who comes back with the room among his labels hears all that was said there.
    let mut back = Client::connect(&gateway, "/chat?token=back&since=earliest").await;
    for heard in all {
        let got: Value = serde_json::from_slice(&back.body().await).expect("JSON");
        assert_eq!(got, heard);
    }
}

#[tokio::test]
async fn what_was_said_survives_a_kill() {
    let home = home(&chat());
    let gateway = home.start().await;
    let mut ann = Client::connect(&gateway, "/chat?token=ann").await;
    let say = |what: Value| tokio_tungstenite::tungstenite::Message::text(what.to_string());
    ann.send(say(json!({ "join": "lobby" }))).await.expect("it is sent");
    ann.send(say(json!({ "say": "before the kill", "room": "lobby" }))).await.expect("it is sent");
    ann.body().await;
    ann.body().await;
    let home = gateway.kill().await;
    let gateway = home.start().await;
    let mut back = Client::connect(&gateway, "/chat?token=back&since=last:1").await;
    back.expect(json!({ "room": "lobby", "from": "ann", "text": "before the kill" }).to_string().as_bytes()).await;
}
