//! Frames as bytes: a type, a length, and fields that follow each other without names.

use std::str::from_utf8;

use bytes::BufMut;
use interledger_packet::{
    MAX_DATA_BYTES, ParseError,
    oer::{Reader, put_length, put_var_octets, put_var_uint, var_octets_bytes, var_uint_bytes},
};

use super::{CloseCode, Frame};

impl<'a> Frame<'a> {
    /// Reads one frame. `None` for a type that no version of the RFC has given a meaning yet.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Option<Self>, ParseError> {
        let kind = reader.u8("frame type")?;
        let contents = reader.var_octets("frame", MAX_DATA_BYTES)?;
        Self::read_contents(kind, &mut Reader::new(contents))
    }

    fn read_contents(kind: u8, contents: &mut Reader<'a>) -> Result<Option<Self>, ParseError> {
        Ok(Some(match kind {
            0x01 => {
                Self::ConnectionClose { code: read_code(contents)?, message: read_text(contents)? }
            }
            0x02 => Self::ConnectionNewAddress { source_account: read_text(contents)? },
            0x03 => Self::ConnectionMaxData { max_offset: contents.var_uint("maxOffset")? },
            0x04 => Self::ConnectionDataBlocked { max_offset: contents.var_uint("maxOffset")? },
            0x05 => {
                Self::ConnectionMaxStreamId { max_stream_id: contents.var_uint("maxStreamId")? }
            }
            0x06 => {
                Self::ConnectionStreamIdBlocked { max_stream_id: contents.var_uint("maxStreamId")? }
            }
            0x07 => Self::ConnectionAssetDetails {
                code: read_asset_code(contents)?,
                scale: contents.u8("sourceAssetScale")?,
            },
            0x10..=0x17 => {
                let stream_id = contents.var_uint("streamId")?;
                Self::read_stream_contents(kind, stream_id, contents)?
            }
            _ => return Ok(None),
        }))
    }

    fn read_stream_contents(
        kind: u8,
        stream_id: u64,
        contents: &mut Reader<'a>,
    ) -> Result<Self, ParseError> {
        Ok(match kind {
            0x10 => Self::StreamClose {
                stream_id,
                code: read_code(contents)?,
                message: read_text(contents)?,
            },
            0x11 => Self::StreamMoney { stream_id, shares: contents.var_uint("shares")? },
            0x12 => Self::StreamMaxMoney {
                stream_id,
                receive_max: contents.var_uint_saturating("receiveMax")?,
                total_received: contents.var_uint("totalReceived")?,
            },
            0x13 => Self::StreamMoneyBlocked {
                stream_id,
                send_max: contents.var_uint_saturating("sendMax")?,
                total_sent: contents.var_uint("totalSent")?,
            },
            0x14 => Self::StreamData {
                stream_id,
                offset: contents.var_uint("offset")?,
                data: contents.var_octets("data", MAX_DATA_BYTES)?,
            },
            0x15 => Self::StreamMaxData { stream_id, max_offset: contents.var_uint("maxOffset")? },
            0x16 => {
                Self::StreamDataBlocked { stream_id, max_offset: contents.var_uint("maxOffset")? }
            }
            _ => Self::StreamReceipt {
                stream_id,
                receipt: contents.var_octets("receipt", MAX_DATA_BYTES)?,
            },
        })
    }

    /// How many bytes [`Frame::put`] writes.
    pub(crate) fn bytes(&self) -> usize {
        var_octets_bytes(self.contents_bytes()).saturating_add(1)
    }

    /// Appends type, length and contents.
    pub(crate) fn put(&self, buffer: &mut impl BufMut) {
        buffer.put_u8(self.kind());
        put_length(buffer, self.contents_bytes());
        match *self {
            Self::ConnectionClose { code, message } => {
                buffer.put_u8(code.0);
                put_var_octets(buffer, message);
            }
            Self::ConnectionNewAddress { source_account } => put_var_octets(buffer, source_account),
            Self::ConnectionMaxData { max_offset: number }
            | Self::ConnectionDataBlocked { max_offset: number }
            | Self::ConnectionMaxStreamId { max_stream_id: number }
            | Self::ConnectionStreamIdBlocked { max_stream_id: number } => {
                put_var_uint(buffer, number);
            }
            Self::ConnectionAssetDetails { code, scale } => {
                put_var_octets(buffer, code.as_bytes());
                buffer.put_u8(scale);
            }
            Self::StreamClose { stream_id, code, message } => {
                put_var_uint(buffer, stream_id);
                buffer.put_u8(code.0);
                put_var_octets(buffer, message);
            }
            Self::StreamMoney { stream_id, shares: number }
            | Self::StreamMaxData { stream_id, max_offset: number }
            | Self::StreamDataBlocked { stream_id, max_offset: number } => {
                put_var_uint(buffer, stream_id);
                put_var_uint(buffer, number);
            }
            Self::StreamMaxMoney { stream_id, receive_max: most, total_received: so_far }
            | Self::StreamMoneyBlocked { stream_id, send_max: most, total_sent: so_far } => {
                put_var_uint(buffer, stream_id);
                put_var_uint(buffer, most);
                put_var_uint(buffer, so_far);
            }
            Self::StreamData { stream_id, offset, data } => {
                put_var_uint(buffer, stream_id);
                put_var_uint(buffer, offset);
                put_var_octets(buffer, data);
            }
            Self::StreamReceipt { stream_id, receipt } => {
                put_var_uint(buffer, stream_id);
                put_var_octets(buffer, receipt);
            }
        }
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::ConnectionClose { .. } => 0x01,
            Self::ConnectionNewAddress { .. } => 0x02,
            Self::ConnectionMaxData { .. } => 0x03,
            Self::ConnectionDataBlocked { .. } => 0x04,
            Self::ConnectionMaxStreamId { .. } => 0x05,
            Self::ConnectionStreamIdBlocked { .. } => 0x06,
            Self::ConnectionAssetDetails { .. } => 0x07,
            Self::StreamClose { .. } => 0x10,
            Self::StreamMoney { .. } => 0x11,
            Self::StreamMaxMoney { .. } => 0x12,
            Self::StreamMoneyBlocked { .. } => 0x13,
            Self::StreamData { .. } => 0x14,
            Self::StreamMaxData { .. } => 0x15,
            Self::StreamDataBlocked { .. } => 0x16,
            Self::StreamReceipt { .. } => 0x17,
        }
    }

    fn contents_bytes(&self) -> usize {
        let sum = |parts: &[usize]| parts.iter().copied().fold(0, usize::saturating_add);
        match *self {
            Self::ConnectionClose { message, .. } => sum(&[1, var_octets_bytes(message.len())]),
            Self::ConnectionNewAddress { source_account } => var_octets_bytes(source_account.len()),
            Self::ConnectionMaxData { max_offset: number }
            | Self::ConnectionDataBlocked { max_offset: number }
            | Self::ConnectionMaxStreamId { max_stream_id: number }
            | Self::ConnectionStreamIdBlocked { max_stream_id: number } => var_uint_bytes(number),
            Self::ConnectionAssetDetails { code, .. } => sum(&[var_octets_bytes(code.len()), 1]),
            Self::StreamClose { stream_id, message, .. } => {
                sum(&[var_uint_bytes(stream_id), 1, var_octets_bytes(message.len())])
            }
            Self::StreamMoney { stream_id, shares: number }
            | Self::StreamMaxData { stream_id, max_offset: number }
            | Self::StreamDataBlocked { stream_id, max_offset: number } => {
                sum(&[var_uint_bytes(stream_id), var_uint_bytes(number)])
            }
            Self::StreamMaxMoney { stream_id, receive_max: most, total_received: so_far }
            | Self::StreamMoneyBlocked { stream_id, send_max: most, total_sent: so_far } => {
                sum(&[var_uint_bytes(stream_id), var_uint_bytes(most), var_uint_bytes(so_far)])
            }
            Self::StreamData { stream_id, offset, data } => sum(&[
                var_uint_bytes(stream_id),
                var_uint_bytes(offset),
                var_octets_bytes(data.len()),
            ]),
            Self::StreamReceipt { stream_id, receipt } => {
                sum(&[var_uint_bytes(stream_id), var_octets_bytes(receipt.len())])
            }
        }
    }
}

fn read_code(contents: &mut Reader<'_>) -> Result<CloseCode, ParseError> {
    contents.u8("errorCode").map(CloseCode)
}

fn read_text<'a>(contents: &mut Reader<'a>) -> Result<&'a [u8], ParseError> {
    contents.var_octets("text", MAX_DATA_BYTES)
}

fn read_asset_code<'a>(contents: &mut Reader<'a>) -> Result<&'a str, ParseError> {
    let code = contents.var_octets("sourceAssetCode", MAX_DATA_BYTES)?;
    let offset = contents.offset().saturating_sub(code.len());
    from_utf8(code).map_err(|error| ParseError::Text {
        field: "sourceAssetCode",
        offset: offset.saturating_add(error.valid_up_to()),
    })
}
