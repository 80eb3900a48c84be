//! The closed list of what a wire can do to one call. Says what each is; does none of them.

/// What happens to one request and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The request is held for a while and then passes.
    Delay,
    /// The connection is reset before the service has seen the request.
    ResetRequest,
    /// The service took the request; the connection is reset in place of the answer.
    ResetAnswer,
    /// The request is swallowed. Nothing comes back, and the connection stays.
    HalfOpen,
    /// The request is not even read.
    Blackhole,
    /// The request reaches the service when the client has given up waiting.
    Late,
    /// The service took the request; its answer ends in the middle, short of its content-length.
    Truncate,
    /// The service took the request; what comes back is no HTTP.
    NotHttp,
    /// The service has seen nothing; what comes back is a success whose body is no JSON.
    NotJson,
    /// The service has seen nothing; what comes back is a success without a body.
    Empty,
    /// The service has seen nothing; what comes back is a load balancer's page for people, with a 503.
    LoadBalancerPage,
    /// The service took the request; its answer comes one byte at a time.
    SlowDrip,
    /// Every connection is reset, and new ones are refused for a while.
    Refuse,
}

impl Fault {
    /// Whether the client learns of it by its own patience alone.
    pub fn is_silent(self) -> bool {
        matches!(self, Self::HalfOpen | Self::Blackhole | Self::Late)
    }

    /// Whether the service may do what it was asked although the client sees no success.
    pub fn may_take_effect(self) -> bool {
        match self {
            Self::Delay
            | Self::ResetAnswer
            | Self::Late
            | Self::Truncate
            | Self::NotHttp
            | Self::SlowDrip => true,
            // It resets connections on which others have just been taken.
            Self::Refuse => true,
            Self::ResetRequest
            | Self::HalfOpen
            | Self::Blackhole
            | Self::NotJson
            | Self::Empty
            | Self::LoadBalancerPage => false,
        }
    }

    /// Whether the call may succeed all the same, because a patient client gets its answer.
    pub fn is_passable(self) -> bool {
        matches!(self, Self::Delay | Self::SlowDrip)
    }
}
