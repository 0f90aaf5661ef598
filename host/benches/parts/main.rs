//! What the gateway's parts cost alone, each beside the least that the same bytes can cost: `cargo bench -p postern --bench
//! parts -- [PART…]`.
//!
//! Written without a library: the ratio to a floor is what says something on a busy machine, and so part and floor must
//! take turns, which neither divan nor criterion does; and neither reaches a dependency that wasmtime has too.

mod bodies;
mod measure;

use bodies::{numbered, whatsapp};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use measure::Pair;
use postern::parts;
use ring::hmac;
use rustls::crypto::CryptoProvider;
use rustls::{NamedGroup, SignatureScheme};
use rustls_pki_types::PrivatePkcs8KeyDer;
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

const SECRET: &str = "postern-test-app-secret-0123456789";

fn main() {
    // What cargo adds begins with dashes.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let home = tempfile::tempdir().expect("a temporary directory");
    println!("| part | floor | ns | median | floor ns | median | ratio |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    let run = |part: &str, work: &dyn Fn()| {
        if wanted.is_empty() || wanted.iter().any(|word| part.starts_with(word.as_str())) {
            work();
        }
    };
    run("split", &split);
    run("signature", &signature);
    run("encode", &encode);
    run("audience", &audience);
    run("filter", &|| filter(home.path()));
    run("handshake", &handshake);
    run("journal", &|| journal(home.path()));
    run("ring", &ring);
}

fn split() {
    for size in [512, 16 << 10] {
        let body = whatsapp(size);
        Pair { part: &format!("split {size} B"), floor: "serde_json to a Value" }.run(
            || parts::split(black_box(body.as_bytes())),
            || serde_json::from_slice::<serde_json::Value>(black_box(body.as_bytes())),
        );
    }
}

fn signature() {
    let (check, key) = (parts::signature(SECRET), hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()));
    for size in [1_024, 16 << 10] {
        let body = whatsapp(size);
        let tag = hmac::sign(&key, body.as_bytes());
        let hex = data_encoding::HEXLOWER.encode(tag.as_ref());
        let value = HeaderValue::from_str(&format!("sha256={hex}")).expect("it is ASCII");
        let headers = HeaderMap::from_iter([("x-hub-signature-256".parse().expect("it is a name"), value)]);
        assert!(check(&headers, body.as_bytes()), "it is signed rightly");
        Pair { part: &format!("signature {size} B"), floor: "ring's HMAC alone" }.run(
            || check(black_box(&headers), black_box(body.as_bytes())),
            || hmac::verify(&key, black_box(body.as_bytes()), tag.as_ref()),
        );
    }
}

fn encode() {
    for (form, v1) in [("raw", false), ("postern.v1", true)] {
        for size in [256, 16 << 10] {
            let (encode, body) = (parts::encode(v1), Bytes::from(whatsapp(size)));
            Pair { part: &format!("encode {form} {size} B"), floor: "a copy of the payload" }
                .run(|| encode(black_box(&body)), || Bytes::copy_from_slice(black_box(&body)));
        }
    }
}

fn audience() {
    for labels in [1, 8] {
        let includes = parts::audience(labels);
        let (has, wanted) = (format!("room-{labels}"), format!("room-{labels}"));
        Pair { part: &format!("audience by the last of {labels} labels"), floor: "one comparison of strings" }
            .run(&includes, || black_box(&has) == black_box(&wanted));
    }
}

fn filter(home: &Path) {
    let (passes, body) = (parts::filter(home), Bytes::from(whatsapp(512)));
    assert!(passes(&body), "it is a message");
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(PoolingAllocationConfig::default()));
    let engine = Engine::new(&config).expect("the engine starts");
    let wasm = wat::parse_str(include_str!("empty.wat")).expect("it is WAT");
    let component = Component::new(&engine, wasm).expect("it compiles");
    let empty = Linker::<()>::new(&engine).instantiate_pre(&component).expect("it imports nothing");
    Pair { part: "filter drop-statuses, 512 B", floor: "an empty component, instantiated and called" }.run(
        || passes(black_box(&body)),
        || {
            let mut store = Store::new(&engine, ());
            let instance = empty.instantiate(&mut store).expect("there is room");
            let call = instance.get_typed_func::<(), ()>(&mut store, "run").expect("it is exported");
            call.call(&mut store, ()).expect("it does nothing");
        },
    );
}

/// What a full handshake of TLS 1.3 takes of arithmetic: a key is agreed on, and that we have ours is signed.
fn handshake() {
    let (ours, ring) = (parts::arithmetic(), rustls::crypto::ring::default_provider());
    let group = |provider: &CryptoProvider, name: NamedGroup| {
        let group = provider.kx_groups.iter().find(|group| group.name() == name).copied().expect("it is known");
        // A client's half.
        let share = group.start().expect("there are random bytes").pub_key().to_vec();
        move || group.start_and_complete(black_box(&share)).expect("it is a share").secret.secret_bytes().len()
    };
    let floor = "the same by ring";
    for (part, floor, name) in [
        ("handshake, X25519", floor, NamedGroup::X25519),
        ("handshake, P-256", floor, NamedGroup::secp256r1),
        ("handshake, X25519 with ML-KEM 768", "X25519 by ring", NamedGroup::X25519MLKEM768),
    ] {
        let known = if name == NamedGroup::X25519MLKEM768 { NamedGroup::X25519 } else { name };
        Pair { part, floor }.run(group(&ours, name), group(&ring, known));
    }
    let key = rcgen::KeyPair::generate().expect("a key on P-256");
    let signer = |provider: &CryptoProvider| {
        let key = PrivatePkcs8KeyDer::from(key.serialized_der().to_vec());
        let key = provider.key_provider.load_private_key(key.into()).expect("it is a key");
        key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]).expect("it signs so")
    };
    let (ours, ring) = (signer(&ours), signer(&ring));
    let transcript = [7; 130];
    Pair { part: "handshake, signature on P-256", floor }.run(
        || ours.sign(black_box(&transcript)).expect("it signs"),
        || ring.sign(black_box(&transcript)).expect("it signs"),
    );
}

fn journal(home: &Path) {
    let inbox = parts::Inbox::open(&home.join("journal"));
    let mut file = File::create(home.join("floor")).expect("the directory is writable");
    let mut number = 0;
    for group in [1, 32] {
        let floor = numbered(0, 1_024).repeat(group);
        let append = || {
            let bodies: Vec<Bytes> = (number..number + group).map(|number| numbered(number, 1_024).into()).collect();
            number += group;
            inbox.append(&bodies);
        };
        let write = || file.write_all(floor.as_bytes()).and_then(|()| file.sync_data()).expect("the disk takes it");
        Pair { part: &format!("journal append of {group} x 1 KiB"), floor: "write and fdatasync of the same bytes" }
            .run(append, write);
    }
}

fn ring() {
    let since = parts::ring(10_000, 256);
    let frames: Vec<Bytes> = (0..1_000).map(|_| Bytes::from(vec![b'x'; 260])).collect();
    Pair { part: "ring since, 1 000 events back", floor: "a walk over 1 000 slices" }
        .run(|| since(black_box(9_000)), || black_box(&frames).iter().map(Bytes::len).sum::<usize>());
}
