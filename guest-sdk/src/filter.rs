//! What a filter is, and the macro that makes a component of it.

use crate::{Admission, Client, Event, HttpVerdict, Message, Request, Result, Verdict};

/// A filter: a value made from its configuration, asked about messages, clients and requests.
///
/// Implement the hooks that [`filter!`](crate::filter!) is to export; one that is named there and not implemented
/// does not compile. Do not count on memory between calls: most filters get a fresh instance, and so a fresh value,
/// for each.
pub trait Filter: Sized + 'static {
    /// Makes the filter. Called when postern loads it, so an error keeps it out and the one it would have replaced
    /// stays in place; and again for each instance, before its first call.
    fn configure() -> Result<Self>;

    /// What to do with a message bound for clients.
    fn on_message(&self, message: &Message) -> Result<Verdict> {
        const { assert!(not_implemented::<Self>(), "`filter!` names the hook `message`: implement `on_message`") }
        let _ = message;
        Ok(Verdict::Pass)
    }

    /// Whether a client may connect, and as whom. A failure denies the client, whatever the operator's policy.
    fn on_connect(&self, request: &Request) -> Result<Admission> {
        const { assert!(not_implemented::<Self>(), "`filter!` names the hook `admission`: implement `on_connect`") }
        let _ = request;
        Ok(Admission::Deny(crate::Denial::new(403, "")))
    }

    /// What to do with a message that a client sent. What `Send` makes of it goes to clients of the same stream, and is
    /// durable before it is sent. `Pass` and `Rewrite` leave it to the stream's `relay`, which is to ignore it unless
    /// configured; to answer the sender alone, use the [`outbox`](crate::outbox).
    ///
    /// A client's messages are judged one after the other, in the order it sent them. A failure closes that client, unless
    /// `on_error` says `pass` or `drop`: answer what makes no sense, and fail only at what is your own fault.
    fn on_client_message(&self, sender: &Client, message: &Message) -> Result<Verdict> {
        const { assert!(not_implemented::<Self>(), "`filter!` names the hook `client`: implement `on_client_message`") }
        let _ = (sender, message);
        Ok(Verdict::Pass)
    }

    /// What became of a client, of the kinds the operator turned on: `Connect` and `Disconnect` unless told otherwise.
    fn on_event(&self, who: &Client, what: &Event) -> Result<()> {
        const { assert!(not_implemented::<Self>(), "`filter!` names the hook `event`: implement `on_event`") }
        let _ = (who, what);
        Ok(())
    }

    /// Whether a client gets a message that is for it. It can leave clients out, not bring any in. Asked again on replay,
    /// and when the client's labels have changed, so answer by what the message and the client are, not by when you are
    /// asked; what it puts into the outbox or asks of clients is not done.
    fn wants(&self, message: &Message, client: &Client) -> Result<bool> {
        const { assert!(not_implemented::<Self>(), "`filter!` names the hook `audience`: implement `wants`") }
        let _ = (message, client);
        Ok(false)
    }

    /// Which clients get a message: an answer for each, in their order. Implement it in the place of `wants` where they
    /// are better asked about together.
    fn choose(&self, message: &Message, among: &[Client]) -> Result<Vec<bool>> {
        among.iter().map(|client| self.wants(message, client)).collect()
    }

    /// How to answer a plain HTTP request.
    fn on_request(&self, request: &Request) -> Result<HttpVerdict> {
        const { assert!(not_implemented::<Self>(), "`filter!` names the hook `http`: implement `on_request`") }
        let _ = request;
        Ok(HttpVerdict::Pass)
    }
}

/// False, but not before the compiler knows which filter is meant: the default hooks above are compiled, and then
/// refused, only for a filter that exports them without having its own.
const fn not_implemented<T>() -> bool {
    size_of::<T>() > isize::MAX as usize
}

/// Makes a component of a filter: `filter!(Redact: message)`, `filter!(Chat: client + event)`. The hooks are `message`,
/// `admission`, `client`, `event`, `audience` and `http`.
///
/// The component exports the handlers named, and `setup`, through which postern checks the configuration before any
/// traffic. The crate needs `crate-type = ["cdylib", "rlib"]`; built natively it exports nothing and can be tested.
///
/// ```
/// # use postern_filter::prelude::*;
/// # struct Visitors;
/// impl Filter for Visitors {
///     fn configure() -> Result<Self> {
///         Ok(Self)
///     }
///
///     fn on_event(&self, _: &Client, what: &Event) -> Result<()> {
///         metrics::count("visits", u64::from(*what == Event::Connect));
///         Ok(())
///     }
/// }
///
/// postern_filter::filter!(Visitors: event);
/// ```
///
/// A hook that is named and not implemented does not compile, natively or as a component:
///
/// ```compile_fail
/// # use postern_filter::prelude::*;
/// # struct Visitors;
/// # impl Filter for Visitors {
/// #     fn configure() -> Result<Self> {
/// #         Ok(Self)
/// #     }
/// #
/// #     fn on_event(&self, _: &Client, what: &Event) -> Result<()> {
/// #         metrics::count("visits", u64::from(*what == Event::Connect));
/// #         Ok(())
/// #     }
/// # }
/// postern_filter::filter!(Visitors: event + client);
/// ```
#[macro_export]
macro_rules! filter {
    ($filter:ty : $hook:ident $(+ $more:ident)*) => {
        // Native builds keep every hook named as well, so that `cargo test` finds the one not implemented.
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const _: () = $crate::__hook!($hook implemented by $filter);
            $(const _: () = $crate::__hook!($more implemented by $filter);)*
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            ::std::thread_local! {
                static FILTER: ::std::cell::OnceCell<$filter> = const { ::std::cell::OnceCell::new() };
            }
            struct Component;
            impl $crate::export::Hosted for Component {
                type Filter = $filter;
                fn with_slot<R>(ask: impl FnOnce(&::std::cell::OnceCell<$filter>) -> R) -> R {
                    FILTER.with(ask)
                }
            }
            $crate::export::export_setup!(Component with_types_in $crate::export::setup);
            $crate::__hook!($hook exported by Component);
            $($crate::__hook!($more exported by Component);)*
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __hook {
    (message implemented by $filter:ty) => {{
        #[used]
        static HOOK: fn(&$filter, &$crate::Message) -> $crate::Result<$crate::Verdict> =
            <$filter as $crate::Filter>::on_message;
    }};
    (admission implemented by $filter:ty) => {{
        #[used]
        static HOOK: fn(&$filter, &$crate::Request) -> $crate::Result<$crate::Admission> =
            <$filter as $crate::Filter>::on_connect;
    }};
    (client implemented by $filter:ty) => {{
        #[used]
        static HOOK: fn(&$filter, &$crate::Client, &$crate::Message) -> $crate::Result<$crate::Verdict> =
            <$filter as $crate::Filter>::on_client_message;
    }};
    (event implemented by $filter:ty) => {{
        #[used]
        static HOOK: fn(&$filter, &$crate::Client, &$crate::Event) -> $crate::Result<()> =
            <$filter as $crate::Filter>::on_event;
    }};
    (audience implemented by $filter:ty) => {{
        #[used]
        static HOOK: fn(&$filter, &$crate::Message, &[$crate::Client]) -> $crate::Result<::std::vec::Vec<bool>> =
            <$filter as $crate::Filter>::choose;
    }};
    (http implemented by $filter:ty) => {{
        #[used]
        static HOOK: fn(&$filter, &$crate::Request) -> $crate::Result<$crate::HttpVerdict> =
            <$filter as $crate::Filter>::on_request;
    }};
    (client exported by $component:ident) => {
        $crate::export::export_client!($component with_types_in $crate::export::client);
    };
    (event exported by $component:ident) => {
        $crate::export::export_event!($component with_types_in $crate::export::event);
    };
    (audience exported by $component:ident) => {
        $crate::export::export_audience!($component with_types_in $crate::export::audience);
    };
    (http exported by $component:ident) => {
        $crate::export::export_http!($component with_types_in $crate::export::http);
    };
    (message exported by $component:ident) => {
        $crate::export::export_message!($component with_types_in $crate::export::message);
    };
    (admission exported by $component:ident) => {
        $crate::export::export_admission!($component with_types_in $crate::export::admission);
    };
    ($other:ident $($rest:tt)*) => {
        ::std::compile_error!(::std::concat!(
            "no hook `",
            ::std::stringify!($other),
            "`: there are `message`, `admission`, `client`, `event`, `audience` and `http`"
        ))
    };
}
