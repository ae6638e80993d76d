//! Hand-made HTTP/2 frames, so that a client can also send what no library would.

/// Makes the preface of a client's connection, with the window for each answer's body.
pub(crate) fn preface(window: u32) -> Vec<u8> {
    let mut settings = Vec::new();
    // The setting is SETTINGS_INITIAL_WINDOW_SIZE.
    settings.extend([0, 4]);
    settings.extend(window.to_be_bytes());
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(4, 0, 0, &settings)].concat()
}

/// A POST with a packet. The first request of a connection has its header fields in full, and the
/// next ones refer to them in 15 bytes.
pub(crate) struct Request<'a> {
    pub(crate) token: &'a str,
    /// The content length that the head announces, if any.
    pub(crate) content_length: Option<usize>,
    /// The part of the body that is sent.
    pub(crate) body: &'a [u8],
    /// Whether the stream ends after `body`.
    pub(crate) ends: bool,
}

impl Request<'_> {
    /// Returns the bytes of the `index`th request of a connection.
    pub(crate) fn bytes(&self, index: u32) -> Vec<u8> {
        let stream = stream(index);
        let mut head = vec![0x83, 0x86, 0x84];
        if index == 0 {
            // The literals enter the connection's table, where they have the numbers 62, 63 and 64
            // at the end.
            head.extend(literal(0x40 | 1, "localhost"));
            head.extend(literal(0x40 | 23, &format!("Bearer {}", self.token)));
            head.extend(literal(0x40 | 31, "application/octet-stream"));
        } else {
            head.extend([0x80 | 64, 0x80 | 63, 0x80 | 62]);
        }
        if let Some(length) = self.content_length {
            // The field is never indexed: 15 and the rest of 28, `content-length`.
            head.extend([0x0f, 13]);
            let length = length.to_string();
            head.push(u8::try_from(length.len()).expect("a number that fits"));
            head.extend(length.as_bytes());
        }
        let has_body = !self.body.is_empty();
        let ends_here = u8::from(self.ends && !has_body);
        let mut bytes = frame(1, 0x4 | ends_here, stream, &head);
        if has_body {
            bytes.extend(frame(0, u8::from(self.ends), stream, self.body));
        }
        bytes
    }
}

/// Resets the `index`th request of a connection.
pub(crate) fn reset(index: u32) -> Vec<u8> {
    // The frame is a RST_STREAM with CANCEL.
    frame(3, 0, stream(index), &8_u32.to_be_bytes())
}

fn stream(index: u32) -> u32 {
    2 * index + 1
}

fn literal(name: u8, value: &str) -> Vec<u8> {
    let length = u8::try_from(value.len()).expect("a number that fits");
    assert!(length < 127, "a longer one is written in another way");
    [&[name, length], value.as_bytes()].concat()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a number that fits").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}
