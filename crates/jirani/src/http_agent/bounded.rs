//! Bounds the bytes of an answer, interim responses (1xx) included.
//!
//! ureq bounds each head, each body, and what it has not yet looked at, but not the number of interim
//! responses: a server that sends them without an end, no faster than they are read, takes a thread until
//! the request's time is over.

use std::io;

use ureq::{
    Error,
    unversioned::transport::{
        Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
    },
};

/// The most bytes that answer one request. The longest body that is read has 1 MiB, the exchange rates'.
const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Makes connections that end when an answer is longer than any that is read.
//
// What ureq calls unversioned may change with any release, and then this does not compile.
pub(super) fn connector() -> impl Connector {
    DefaultConnector::new().chain(Bounding)
}

#[derive(Debug)]
struct Bounding;

impl<In: Transport> Connector<In> for Bounding {
    type Out = Bounded<In>;

    fn connect(
        &self,
        _details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Bounded<In>>, Error> {
        Ok(chained.map(|transport| Bounded { transport, left: ANSWER_BYTES_MAX }))
    }
}

#[derive(Debug)]
struct Bounded<T> {
    transport: T,
    /// How many bytes may still arrive before the next request.
    left: usize,
}

impl<T: Transport> Transport for Bounded<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.left = ANSWER_BYTES_MAX;
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let before = self.transport.buffers().input().len();
        let has_progressed = self.transport.await_input(timeout)?;
        let arrived = self.transport.buffers().input().len().saturating_sub(before);
        self.left = self.left.saturating_sub(arrived);
        match self.left {
            0 => {
                Err(Error::Io(io::Error::new(io::ErrorKind::InvalidData, "the answer has no end")))
            }
            _ => Ok(has_progressed),
        }
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
        time::Duration,
    };

    use ureq::unversioned::transport::LazyBuffers;

    use super::*;

    /// A connection on which 1,000 bytes arrive whenever more are awaited.
    #[derive(Debug)]
    struct Endless(LazyBuffers);

    impl Transport for Endless {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.0
        }

        fn transmit_output(&mut self, _amount: usize, _timeout: NextTimeout) -> Result<(), Error> {
            Ok(())
        }

        fn await_input(&mut self, _timeout: NextTimeout) -> Result<bool, Error> {
            self.0.input_append_buf();
            self.0.input_appended(1_000);
            Ok(true)
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    /// Bytes that are taken as they come are bounded too, which ureq does not do.
    #[test]
    fn an_answer_is_bounded_and_the_bound_is_each_answers_own() {
        let transport = Endless(LazyBuffers::new(16_384, 16_384));
        let mut bounded = Bounded { transport, left: ANSWER_BYTES_MAX };
        for _ in 0..3 {
            bounded.transmit_output(0, NextTimeout::default()).unwrap();
            let mut taken = 0;
            let error = loop {
                match bounded.await_input(NextTimeout::default()) {
                    Ok(_) => taken += 1_000,
                    Err(error) => break error,
                }
                bounded.buffers().input_consume(1_000);
            };
            bounded.buffers().input_consume(1_000);
            assert_eq!(taken, ANSWER_BYTES_MAX / 1_000 * 1_000);
            assert_eq!(error.to_string(), "io: the answer has no end");
        }
    }

    /// A server that sends as many interim responses before each answer; its URL.
    fn serve(interim: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            while stream.read(&mut [0; 4_096]).is_ok_and(|bytes| bytes > 0) {
                for _ in 0..interim {
                    if stream.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").is_err() {
                        return;
                    }
                }
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).unwrap();
            }
        });
        url
    }

    #[test]
    fn interim_responses_without_an_end_are_given_up_long_before_the_time_is_over() {
        let agent = super::super::agent(Duration::from_secs(600));
        let error = agent.get(serve(usize::MAX)).call().unwrap_err();
        assert!(!matches!(error, Error::Timeout(_)), "{error}");
    }

    #[test]
    fn interim_responses_are_read_over() {
        let agent = super::super::agent(Duration::from_secs(600));
        let url = serve(100);
        for _ in 0..4 {
            let mut answer = agent.get(&url).call().unwrap();
            assert_eq!(answer.body_mut().read_to_string().unwrap(), "ok");
        }
    }
}
