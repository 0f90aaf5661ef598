//! The labels of metrics: closed sets of values, and names from the configuration.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use std::fmt;
use std::sync::Arc;

/// A closed set of values of a label, each with its name.
macro_rules! labels {
    ($($(#[doc = $about:literal])* $label:ident { $($(#[doc = $help:literal])* $value:ident = $name:literal,)* })*) => {$(
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $label {
            $($(#[doc = $help])* $value,)*
        }

        impl $label {
            #[allow(dead_code, reason = "not every set is gone through")]
            pub const ALL: &[Self] = &[$(Self::$value),*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $name,)* }
            }
        }

        impl EncodeLabelValue for $label {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
                EncodeLabelValue::encode(&self.name(), encoder)
            }
        }
    )*};
}

labels! {
    /// What became of a webhook request.
    WebhookOutcome {
        Accepted = "accepted",
        /// Every item of it was sent before.
        Duplicate = "duplicate",
        Verified = "verified",
        HandshakeRefused = "handshake_refused",
        SignatureMissing = "signature_missing",
        SignatureMalformed = "signature_malformed",
        SignatureRepeated = "signature_repeated",
        SignatureLegacy = "signature_legacy",
        SignatureWrong = "signature_wrong",
        /// Made too long ago, or ahead of this machine's clock.
        SignatureExpired = "signature_expired",
        TooLarge = "too_large",
        TooSlow = "too_slow",
        Broken = "broken",
        Busy = "busy",
        Storage = "storage",
        /// An operator has paused the gateway.
        Paused = "paused",
        Draining = "draining",
    }

    /// What became of an event in dispatch.
    EventOutcome {
        Delivered = "delivered",
        Dropped = "dropped",
        Held = "held",
    }

    /// Which log of the journal.
    JournalLog {
        Inbox = "inbox",
        Outbox = "outbox",
    }

    /// What a filter said.
    FilterVerdict {
        Pass = "pass",
        Drop = "drop",
        Rewrite = "rewrite",
        Send = "send",
        /// A client was let in, or was not.
        Allow = "allow",
        Deny = "deny",
        /// It has chosen among clients.
        Choose = "choose",
        /// It was told what became of a client.
        Told = "told",
        /// It has answered a request, or taken it for a webhook.
        Respond = "respond",
        Accept = "accept",
        Error = "error",
    }

    /// Why a filter's call came to nothing.
    FilterFailure {
        Deadline = "deadline",
        Memory = "memory",
        Trap = "trap",
        Refused = "refused",
        Output = "output",
        Invalid = "invalid",
        Busy = "busy",
        SetAside = "set_aside",
        Missing = "missing",
        Bug = "bug",
    }

    /// What became of one version of a filter.
    FilterSwap {
        /// It took the place of another.
        Swapped = "swapped",
        /// It was not fit to.
        Refused = "refused",
        /// It failed too often, and the one before it is back.
        RolledBack = "rolled_back",
        /// An operator has put the one before it back.
        Returned = "returned",
    }

    /// What became of something that a client said.
    ClientMessageOutcome {
        /// Something followed from it.
        Heard = "heard",
        Ignored = "ignored",
        /// It could not be judged.
        Lost = "lost",
    }

    /// What became of a request to connect to a stream.
    ConnectOutcome {
        Connected = "connected",
        Denied = "denied",
        NotWebSocket = "not_web_socket",
        /// It asked to begin at a place that is none.
        BadSince = "bad_since",
        OriginRefused = "origin_refused",
        Busy = "busy",
        Draining = "draining",
    }

    /// Why a client is gone.
    CloseReason {
        ByClient = "by_client",
        Broken = "broken",
        Silent = "silent",
        ProtocolError = "protocol_error",
        MessageTooBig = "message_too_big",
        TooManyMessages = "too_many_messages",
        TooSlow = "too_slow",
        Draining = "draining",
        /// A filter or an operator closed it.
        Disconnected = "disconnected",
        /// What it was let in by is good no longer.
        Expired = "expired",
        Fault = "fault",
    }

    /// Where the certificate in use comes from.
    CertificateSource {
        File = "file",
        Acme = "acme",
    }

    /// What became of an attempt to get a certificate.
    Renewal {
        Renewed = "renewed",
        Failed = "failed",
    }

    /// What became of a span.
    SpanOutcome {
        /// The collector has taken it.
        Exported = "exported",
        /// The collector did not take it, or there was no room for it before.
        Dropped = "dropped",
    }

    /// What became of an attempt to deliver to a forward target, or of an event for it.
    ForwardOutcome {
        Delivered = "delivered",
        Failed = "failed",
        /// Given up, and kept as a dead letter.
        Dead = "dead",
        /// Its filter left it out.
        Dropped = "dropped",
        /// Its filter failed.
        Held = "held",
    }

    /// Why a connection was refused before anything was read from it.
    ConnectionRefusal {
        TooMany = "too_many",
        TooManyFromAddress = "too_many_from_address",
        Handshake = "handshake",
        /// It is not known whose it is: no header of the PROXY protocol, or not from a trusted proxy.
        Unproxied = "unproxied",
        /// The system could not accept it.
        Accept = "accept",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PerWebhook {
    pub webhook: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct WebhookLabels {
    pub webhook: Arc<str>,
    pub outcome: WebhookOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EventLabels {
    pub webhook: Arc<str>,
    pub outcome: EventOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LogLabels {
    pub log: JournalLog,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct FilterLabels {
    pub filter: Arc<str>,
    pub verdict: FilterVerdict,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct FilterFailureLabels {
    pub filter: Arc<str>,
    pub failure: FilterFailure,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct FilterSwapLabels {
    pub filter: Arc<str>,
    pub outcome: FilterSwap,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PerFilter {
    pub filter: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PerStream {
    pub stream: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ConnectLabels {
    pub stream: Arc<str>,
    pub outcome: ConnectOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ClientMessageLabels {
    pub stream: Arc<str>,
    pub outcome: ClientMessageOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CloseLabels {
    pub stream: Arc<str>,
    pub reason: CloseReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusalLabels {
    pub reason: ConnectionRefusal,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RenewalLabels {
    pub outcome: Renewal,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CertificateLabels {
    pub source: CertificateSource,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SpanLabels {
    pub outcome: SpanOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PerTarget {
    pub target: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ForwardLabels {
    pub target: Arc<str>,
    pub outcome: ForwardOutcome,
}
