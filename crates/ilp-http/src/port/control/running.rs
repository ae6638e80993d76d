//! One request on a connection.

use super::Control;
use std::sync::Arc;

/// A request that is under way until its answer has left or the connection has ended.
#[derive(Debug)]
pub struct Running {
    control: Arc<Control>,
    /// The epoch in which its answer began to wait for the client.
    waits_since: Option<usize>,
    is_refusal: bool,
}

impl Running {
    pub(in crate::port) fn begin(control: &Arc<Control>, http2: bool) -> Running {
        control.begin(http2);
        Running { control: Arc::clone(control), waits_since: None, is_refusal: false }
    }

    /// Notes that the answer is ready and waits for the client to take it.
    pub(crate) fn reply_waits(&mut self) {
        if self.waits_since.is_none() {
            self.waits_since = Some(self.control.wait());
        }
    }

    /// Notes that the answer is a refusal, and that it waits for the client to take it.
    pub(crate) fn refusal_waits(&mut self) {
        self.reply_waits();
        self.is_refusal = true;
        self.control.refusal_waits();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(epoch) = self.waits_since {
            self.control.taken(epoch);
        }
        if self.is_refusal {
            self.control.refusal_taken();
        }
        self.control.end();
    }
}
