//! Check and decryption of what the other side sent.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::ahead::Ahead;
use crate::uninit::make_behind;

use super::cipher::{Cipher, Cm, Gcm};
use super::keys::{MasterKey, SessionKey};
use super::replay::Windows;
use super::seal::rollover;
use super::{RTCP_ENCRYPTED, RTCP_HEADER, RTCP_INDEX, SrtpError, rtp_header_len, word};

/// What the other side sends under one master key.
#[derive(Debug)]
pub struct Opener {
    rtp: Cipher,
    rtcp: Cipher,
    /// SRTCP packets seen. Per sender: implementations that keep a context for
    /// each SSRC number each one's packets from the start.
    seen: Windows,
}

impl Opener {
    /// Derives the session keys and expands them.
    pub fn new(key: &MasterKey) -> Result<Self, SrtpError> {
        Self::of(&key.rtp()?, &key.rtcp()?)
    }

    pub(super) fn of(rtp: &SessionKey, rtcp: &SessionKey) -> Result<Self, SrtpError> {
        Ok(Self { rtp: Cipher::new(rtp)?, rtcp: Cipher::new(rtcp)?, seen: Windows::default() })
    }

    /// Decrypts the SRTP packet `packet` into `out`, which is cleared first, and
    /// returns the length of its header in bytes.
    ///
    /// `index` is `rollover counter << 16 | sequence number`; the rollover
    /// counter and a replay check are the caller's (RFC 3711, 3.3.1). After an
    /// error `out` is empty.
    pub fn open_rtp(
        &self,
        packet: &[u8],
        index: u64,
        out: &mut Vec<u8>,
    ) -> Result<usize, SrtpError> {
        out.clear();
        let body = self.body(packet)?;
        out.reserve(body.end);
        out.extend_from_slice(&packet[..body.start]);
        let opened =
            make_behind(out, body.len(), |plain| self.open_body(packet, index, &body, plain));
        if opened.is_err() {
            out.clear();
        }
        opened.map(|()| body.start)
    }

    /// Where in the SRTP packet `packet` its payload is, without its tag: as long as when it is
    /// decrypted. What goes before it is not encrypted.
    pub(crate) fn body(&self, packet: &[u8]) -> Result<Range<usize>, SrtpError> {
        let header_len = rtp_header_len(packet)?;
        packet
            .len()
            .checked_sub(self.rtp.tag_len())
            .filter(|end| *end >= header_len)
            .map(|end| header_len..end)
            .ok_or(SrtpError::Malformed)
    }

    /// Decrypts the `body` of `packet` into `plain`, which is as long, and gives that back. What is
    /// in there after an error is of no use.
    pub(crate) fn open_body<'a>(
        &self,
        packet: &[u8],
        index: u64,
        body: &Range<usize>,
        plain: &'a mut [MaybeUninit<u8>],
    ) -> Result<&'a mut [u8], SrtpError> {
        if index >> 48 != 0 {
            return Err(SrtpError::Exhausted);
        }
        let ssrc = word(packet, 8);
        let (covered, tag) = packet.split_at(body.end);
        let (header, sealed) = covered.split_at(body.start);
        match &self.rtp {
            Cipher::Gcm(gcm) => gcm.open(ssrc, index, header, (sealed, tag), plain),
            Cipher::Cm(cm) => {
                cm.check(covered, Some(rollover(index)), tag)?;
                let plain = plain.write_copy_of_slice(sealed);
                cm.apply(ssrc, index, plain)?;
                Ok(plain)
            }
        }
    }

    /// Decrypts the SRTCP packet `packet` into `out`, which is cleared first. A
    /// packet that was accepted before is an error. After an error `out` is
    /// empty.
    pub fn open_rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), SrtpError> {
        out.clear();
        let result = self.decrypt_rtcp(packet, out);
        if result.is_err() {
            out.clear();
        }
        result
    }

    fn decrypt_rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), SrtpError> {
        if packet.len() < RTCP_HEADER + RTCP_INDEX + self.rtcp.tag_len() {
            return Err(SrtpError::Malformed);
        }
        let ssrc = word(packet, 4);
        let trailer = match &self.rtcp {
            Cipher::Gcm(_) => word(packet, packet.len() - RTCP_INDEX),
            Cipher::Cm(_) => word(packet, packet.len() - Cm::TAG - RTCP_INDEX),
        };
        let index = trailer & !RTCP_ENCRYPTED;
        // Before the costly part, so that replays cost little; remembered only
        // once the packet is known to be authentic.
        if self.seen.is_replay(ssrc, index) {
            return Err(SrtpError::Replayed);
        }
        let encrypted = trailer & RTCP_ENCRYPTED != 0;
        match &self.rtcp {
            Cipher::Gcm(gcm) => open_gcm(gcm, packet, ssrc, index, encrypted, out)?,
            Cipher::Cm(cm) => open_cm(cm, packet, ssrc, index, encrypted, out)?,
        }
        self.seen.accept(ssrc, index);
        Ok(())
    }
}

/// RTCP is too rare for it.
impl Ahead for Opener {
    fn ahead(&self, depth: u8) {
        self.rtp.ahead(depth);
    }
}

/// RFC 7714, 9.2 and 9.3: header, ciphertext, tag, index word. A packet that is
/// only authenticated has everything but the tag as associated data.
fn open_gcm(
    gcm: &Gcm,
    packet: &[u8],
    ssrc: u32,
    index: u32,
    encrypted: bool,
    out: &mut Vec<u8>,
) -> Result<(), SrtpError> {
    let (sealed, trailer) = packet.split_at(packet.len() - RTCP_INDEX);
    let (body, tag) = sealed.split_at(sealed.len() - Gcm::TAG);
    out.reserve(body.len() + RTCP_INDEX);
    if encrypted {
        let mut associated = [0; RTCP_HEADER + RTCP_INDEX];
        associated[..RTCP_HEADER].copy_from_slice(&packet[..RTCP_HEADER]);
        associated[RTCP_HEADER..].copy_from_slice(trailer);
        let (header, sealed) = body.split_at(RTCP_HEADER);
        out.extend_from_slice(header);
        make_behind(out, sealed.len(), |plain| {
            gcm.open(ssrc, index.into(), &associated, (sealed, tag), plain)
        })
    } else {
        out.extend_from_slice(body);
        out.extend_from_slice(trailer);
        gcm.open(ssrc, index.into(), out, (&[], tag), &mut [])?;
        out.truncate(body.len());
        Ok(())
    }
}

/// RFC 3711, 3.4: header, ciphertext, index word, tag.
fn open_cm(
    cm: &Cm,
    packet: &[u8],
    ssrc: u32,
    index: u32,
    encrypted: bool,
    out: &mut Vec<u8>,
) -> Result<(), SrtpError> {
    let (covered, tag) = packet.split_at(packet.len() - Cm::TAG);
    cm.check(covered, None, tag)?;
    out.extend_from_slice(&covered[..covered.len() - RTCP_INDEX]);
    if encrypted {
        cm.apply(ssrc, index.into(), &mut out[RTCP_HEADER..])?;
    }
    Ok(())
}
