//! A DTLS in which both sides agreed long ago: no handshake, fixed keys.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial,
    ProtocolVersion, SrtpProfile,
};

/// The client's certificate; its SHA-256 is in the session's offer.
pub(super) const CERTIFICATE: &[u8] = b"certificate";
/// Keying material for any profile.
pub(crate) const MATERIAL: [u8; 88] = [0x5a; 88];
/// What of it the profile of these sessions takes.
pub(crate) const MATERIAL_LEN: usize = 60;

pub(crate) static PROVIDER: Agreed = Agreed;

/// A record at which the association panics.
#[cfg(test)]
pub(crate) const DEFECT: &[u8] = b"\x17 a defect";

#[derive(Debug)]
pub(crate) struct Agreed;

impl DtlsProvider for Agreed {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        str0m::crypto::from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        _certificate: &DtlsCert,
        now: Instant,
        _version: DtlsVersion,
        _mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(Association { active: None, now, steps: VecDeque::new() }))
    }
}

#[derive(Debug)]
enum Step {
    Connected,
    Certificate,
    Keys,
}

#[derive(Debug)]
struct Association {
    active: Option<bool>,
    now: Instant,
    steps: VecDeque<Step>,
}

impl DtlsInstance for Association {
    fn set_active(&mut self, active: bool) {
        if self.active.is_none() {
            self.steps.extend([Step::Connected, Step::Certificate, Step::Keys]);
        }
        self.active = Some(active);
    }

    fn handle_packet(&mut self, _packet: &[u8]) -> Result<(), DtlsImplError> {
        #[cfg(test)]
        assert_ne!(_packet, DEFECT, "the defect of a test");
        Ok(())
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        match self.steps.pop_front() {
            Some(Step::Connected) => DtlsOutput::Connected,
            Some(Step::Certificate) => {
                let room = &mut buf[..CERTIFICATE.len()];
                room.copy_from_slice(CERTIFICATE);
                DtlsOutput::PeerCert(room)
            }
            Some(Step::Keys) => DtlsOutput::KeyingMaterial(
                KeyingMaterial::new(&MATERIAL[..MATERIAL_LEN]),
                SrtpProfile::AES128_CM_SHA1_80,
            ),
            None => DtlsOutput::Timeout(self.now + Duration::from_secs(3600)),
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.now = self.now.max(now);
        Ok(())
    }

    fn send_application_data(&mut self, _data: &[u8]) -> Result<usize, DtlsImplError> {
        Ok(0)
    }

    fn is_active(&self) -> bool {
        self.active == Some(true)
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        Some(ProtocolVersion::DTLS1_2)
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        Ok(())
    }
}
