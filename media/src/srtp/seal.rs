//! Protection of what one side sends.

use crate::ahead::Ahead;

use super::cipher::Cipher;
use super::keys::{MasterKey, SessionKey};
use super::{RTCP_ENCRYPTED, RTCP_HEADER, RTP_HEADER, SrtpError, word};

/// What one side sends under one master key.
///
/// SRTP is sealed through `&self`, so that it holds no state per SSRC: a caller
/// must never seal two different packets with one SSRC and index, which would
/// give their contents away.
#[derive(Debug)]
pub struct Sealer {
    rtp: Cipher,
    rtcp: Cipher,
    /// Of the next SRTCP packet, 31 bits.
    index: u32,
}

impl Sealer {
    /// Derives the session keys and expands them.
    pub fn new(key: &MasterKey) -> Result<Self, SrtpError> {
        Self::of(&key.rtp()?, &key.rtcp()?)
    }

    pub(super) fn of(rtp: &SessionKey, rtcp: &SessionKey) -> Result<Self, SrtpError> {
        Ok(Self { rtp: Cipher::new(rtp)?, rtcp: Cipher::new(rtcp)?, index: 0 })
    }

    /// How much longer an RTP packet becomes, in bytes.
    pub fn rtp_overhead(&self) -> usize {
        self.rtp.tag_len()
    }

    /// How much longer a compound RTCP packet becomes, in bytes.
    pub fn rtcp_overhead(&self) -> usize {
        self.rtcp.tag_len() + super::RTCP_INDEX
    }

    /// Protects the RTP packet in `buf[start..]`, whose header is `header_len`
    /// bytes long: encrypts its payload in place and appends the tag.
    ///
    /// `index` is `rollover counter << 16 | sequence number` (48 bits). `buf`
    /// grows by [`Self::rtp_overhead`] bytes; with that much spare capacity
    /// nothing is allocated. On an error `buf` is to be thrown away.
    pub fn seal_rtp(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), SrtpError> {
        let packet = buf.get_mut(start..).ok_or(SrtpError::Malformed)?;
        if packet.len() < header_len {
            return Err(SrtpError::Malformed);
        }
        check(header_len, index)?;
        let (header, payload) = packet.split_at_mut(header_len);
        match &self.rtp {
            Cipher::Gcm(gcm) => {
                let tag = gcm.seal(ssrc, index, header, payload)?;
                buf.extend_from_slice(&tag);
            }
            Cipher::Cm(cm) => {
                cm.apply(ssrc, index, payload)?;
                let tag = cm.tag(packet, Some(rollover(index)));
                buf.extend_from_slice(&tag);
            }
        }
        Ok(())
    }

    /// Protects an RTP packet whose header is what is in `buf[start..]`: appends `payload`,
    /// encrypted on the way, and the tag. Else as [`Self::seal_rtp`].
    pub fn seal_rtp_apart(
        &self,
        buf: &mut Vec<u8>,
        start: usize,
        payload: &[u8],
        ssrc: u32,
        index: u64,
    ) -> Result<(), SrtpError> {
        let header_len = buf.len().checked_sub(start).ok_or(SrtpError::Malformed)?;
        let Cipher::Gcm(gcm) = &self.rtp else {
            buf.extend_from_slice(payload);
            return self.seal_rtp(buf, start, header_len, ssrc, index);
        };
        check(header_len, index)?;
        gcm.seal_behind(ssrc, index, (buf, start), payload)
    }

    /// Protects the compound RTCP packet in `buf[start..]`: encrypts it but for
    /// its first eight bytes and appends index and tag. The sender's SSRC is
    /// read from the packet. `buf` grows by [`Self::rtcp_overhead`] bytes.
    pub fn seal_rtcp(&mut self, buf: &mut Vec<u8>, start: usize) -> Result<(), SrtpError> {
        let packet = buf.get_mut(start..).ok_or(SrtpError::Malformed)?;
        if packet.len() < RTCP_HEADER {
            return Err(SrtpError::Malformed);
        }
        // The index must not wrap around under one key (RFC 3711, 9.2).
        if self.index & RTCP_ENCRYPTED != 0 {
            return Err(SrtpError::Exhausted);
        }
        let (index, ssrc) = (self.index, word(packet, 4));
        self.index += 1;
        let trailer = (RTCP_ENCRYPTED | index).to_be_bytes();
        let (header, body) = packet.split_at_mut(RTCP_HEADER);
        match &self.rtcp {
            Cipher::Gcm(gcm) => {
                let mut associated = [0; RTCP_HEADER + super::RTCP_INDEX];
                associated[..RTCP_HEADER].copy_from_slice(header);
                associated[RTCP_HEADER..].copy_from_slice(&trailer);
                let tag = gcm.seal(ssrc, index.into(), &associated, body)?;
                buf.extend_from_slice(&tag);
                buf.extend_from_slice(&trailer);
            }
            Cipher::Cm(cm) => {
                cm.apply(ssrc, index.into(), body)?;
                buf.extend_from_slice(&trailer);
                let tag = cm.tag(&buf[start..], None);
                buf.extend_from_slice(&tag);
            }
        }
        Ok(())
    }

    /// Goes on with the SRTCP index `index`.
    #[cfg(test)]
    pub(super) fn at(mut self, index: u32) -> Self {
        self.index = index;
        self
    }
}

/// RTCP is too rare for it.
impl Ahead for Sealer {
    fn ahead(&self, depth: u8) {
        self.rtp.ahead(depth);
    }
}

/// Whether there is a header, and a packet index has its 48 bits.
fn check(header_len: usize, index: u64) -> Result<(), SrtpError> {
    if header_len < RTP_HEADER {
        return Err(SrtpError::Malformed);
    }
    if index >> 48 != 0 {
        return Err(SrtpError::Exhausted);
    }
    Ok(())
}

/// The rollover counter of a packet index.
pub(super) fn rollover(index: u64) -> u32 {
    // An index has 48 bits, which the callers have checked.
    (index >> 16) as u32
}
