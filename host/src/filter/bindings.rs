//! What the WIT package says, in Rust. The world below is what this postern offers and calls: a component that imports
//! anything else of `postern:filter` is refused when it is loaded. It grows with postern; the package does not shrink.

/// Stands for the message a call is about. There is one a call, kept in the store, so the handle says nothing more.
pub struct MessageHandle;
/// Stands for the request a call is about.
pub struct RequestHandle;
/// Stands for a client, as it was when the handle was made: kept with the call, by the handle's number.
pub struct ClientHandle;

wasmtime::component::bindgen!({
    path: "../wit/v0.1",
    world: "postern:host/postern",
    inline: "
        package postern:host;
        world postern {
            import postern:filter/types@0.1.0;
            import postern:filter/config@0.1.0;
            import postern:filter/log@0.1.0;
            import postern:filter/metrics@0.1.0;
            import postern:filter/clock@0.1.0;
            import postern:filter/outbox@0.1.0;
            import postern:filter/clients@0.1.0;
            import postern:filter/kv@0.1.0;
            import postern:filter/signing@0.1.0;
            export postern:filter/setup@0.1.0;
            export postern:filter/message-handler@0.1.0;
            export postern:filter/admission-handler@0.1.0;
            export postern:filter/client-handler@0.1.0;
            export postern:filter/event-handler@0.1.0;
            export postern:filter/audience-handler@0.1.0;
            export postern:filter/http-handler@0.1.0;
        }
    ",
    imports: { default: trappable },
    with: {
        "postern:filter/types.message": MessageHandle,
        "postern:filter/types.request": RequestHandle,
        "postern:filter/types.client": ClientHandle,
    },
});
