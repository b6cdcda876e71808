//! DTLS 1.2 of publishers and viewers, on OpenSSL.
//!
//! The DTLS that comes with str0m takes ECDSA certificates only, and GStreamer signs with RSA.
//! Which certificate a client has shows only in the handshake, so all of them
//! are met with an implementation that takes both, behind the same [`DtlsProvider`]: who
//! drives it compares the certificate's fingerprint with the offer's.
//!
//! OpenSSL reads the time itself, for nothing but the retransmission of a lost
//! flight; who drives it has to call often enough.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::srtp::SrtpProfileId;
use openssl::ssl::{
    ErrorCode, Ssl, SslContext, SslMethod, SslOptions, SslSessionCacheMode, SslStream,
    SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial,
    ProtocolVersion, SrtpProfile,
};

/// Forward secrecy and authenticated encryption, whatever the certificate's kind.
const CIPHERS: &str = "ECDHE+AESGCM:ECDHE+CHACHA20";
/// RFC 5764, 4.2.
const EXPORTER: &str = "EXTRACTOR-dtls_srtp";
/// What a datagram may carry when nobody says otherwise.
const MTU: usize = 1150;
/// How often an unfinished handshake is looked after.
const HANDSHAKE_TICK: Duration = Duration::from_millis(100);
/// A finished one needs nothing.
const IDLE: Duration = Duration::from_secs(3600);
/// Datagrams that OpenSSL may leave unread; it takes them one by one.
const UNREAD: usize = 16;

/// Makes OpenSSL sessions. They share the context of the certificate that was
/// used last: a process has one.
#[derive(Default)]
pub(super) struct OpenSslDtls {
    context: Mutex<Option<(Vec<u8>, SslContext)>>,
}

/// The one provider; str0m wants it to live for ever.
pub(super) static PROVIDER: OpenSslDtls = OpenSslDtls { context: Mutex::new(None) };

impl std::fmt::Debug for OpenSslDtls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenSslDtls")
    }
}

impl OpenSslDtls {
    fn context(&self, certificate: &DtlsCert) -> Result<SslContext, ErrorStack> {
        let mut shared = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((der, context)) = &*shared
            && *der == certificate.certificate
        {
            return Ok(context.clone());
        }
        let context = context(certificate)?;
        *shared = Some((certificate.certificate.clone(), context.clone()));
        Ok(context)
    }
}

fn context(certificate: &DtlsCert) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::dtls())?;
    builder.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
    builder.set_cipher_list(CIPHERS)?;
    let profiles: Vec<String> = SrtpProfile::ALL.iter().map(ToString::to_string).collect();
    builder.set_tlsext_use_srtp(&profiles.join(":"))?;
    // Certificates are self-signed, and as old as X.509 version 1 or as odd as a
    // negative serial number: what counts is the fingerprint, which is compared,
    // and the proof that the client has the key, which OpenSSL does.
    let verify = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    builder.set_verify_callback(verify, |_, _| true);
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_options(
        SslOptions::NO_TICKET | SslOptions::NO_RENEGOTIATION | SslOptions::NO_QUERY_MTU,
    );
    builder.set_certificate(&*X509::from_der(&certificate.certificate)?)?;
    builder.set_private_key(&*PKey::private_key_from_der(&certificate.private_key)?)?;
    Ok(builder.build())
}

impl DtlsProvider for OpenSslDtls {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        str0m::crypto::from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        _version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let new = || -> Result<Session, ErrorStack> {
            let mut ssl = Ssl::new(&*self.context(certificate)?)?;
            ssl.set_mtu(u32::try_from(mtu.unwrap_or(MTU)).unwrap_or(u32::MAX))?;
            Session::new(SslStream::new(ssl, Datagrams::default())?, now)
        };
        let session = new().map_err(|error| CryptoError::Other(error.to_string()))?;
        Ok(Box::new(session))
    }
}

/// The two directions of the network, a datagram at a time.
#[derive(Debug, Default)]
struct Datagrams {
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
}

impl io::Read for Datagrams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.incoming.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        let length = datagram.len().min(buffer.len());
        buffer[..length].copy_from_slice(&datagram[..length]);
        Ok(length)
    }
}

impl io::Write for Datagrams {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.outgoing.push_back(buffer.to_vec());
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Neither end of the handshake yet.
    Idle,
    Handshaking,
    Established,
    Closed,
}

/// One DTLS session.
struct Session {
    stream: SslStream<Datagrams>,
    active: bool,
    state: State,
    /// Told once each, in this order.
    connected: bool,
    certificate: Option<Vec<u8>>,
    keys: Option<(Vec<u8>, SrtpProfile)>,
    close_notify: bool,
    now: Instant,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Session {
    fn new(stream: SslStream<Datagrams>, now: Instant) -> Result<Self, ErrorStack> {
        Ok(Self {
            stream,
            active: false,
            state: State::Idle,
            connected: false,
            certificate: None,
            keys: None,
            close_notify: false,
            now,
        })
    }

    /// Goes as far as what has come, and the time, allow.
    fn proceed(&mut self) -> Result<(), DtlsImplError> {
        if self.state == State::Handshaking {
            self.handshake()?;
        }
        if self.state == State::Established {
            self.read();
        }
        // What OpenSSL did not want is of no use later.
        let incoming = &mut self.stream.get_mut().incoming;
        incoming.truncate(UNREAD);
        Ok(())
    }

    fn handshake(&mut self) -> Result<(), DtlsImplError> {
        let done = if self.active { self.stream.connect() } else { self.stream.accept() };
        match done {
            Ok(()) => {
                self.established().inspect_err(|_| self.state = State::Closed)?;
                self.state = State::Established;
                Ok(())
            }
            Err(error) if error.code() == ErrorCode::WANT_READ => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "a DTLS handshake failed");
                self.state = State::Closed;
                Err(DtlsImplError::ConnectionClosed)
            }
        }
    }

    fn established(&mut self) -> Result<(), DtlsImplError> {
        let ssl = self.stream.ssl();
        let failed = |what: &str| {
            tracing::debug!(what, "a DTLS handshake gave no keys");
            DtlsImplError::ConnectionClosed
        };
        let certificate = ssl.peer_certificate().ok_or_else(|| failed("no certificate"))?;
        let certificate = certificate.to_der().map_err(|_| failed("a bad certificate"))?;
        let profile = match ssl.selected_srtp_profile().map(|profile| profile.id()) {
            Some(SrtpProfileId::SRTP_AES128_CM_SHA1_80) => SrtpProfile::AES128_CM_SHA1_80,
            Some(SrtpProfileId::SRTP_AEAD_AES_128_GCM) => SrtpProfile::AEAD_AES_128_GCM,
            Some(SrtpProfileId::SRTP_AEAD_AES_256_GCM) => SrtpProfile::AEAD_AES_256_GCM,
            _ => return Err(failed("no SRTP profile")),
        };
        let mut keys = vec![0; profile.keying_material_len()];
        ssl.export_keying_material(&mut keys, EXPORTER, None).map_err(|_| failed("no keys"))?;
        self.connected = true;
        self.certificate = Some(certificate);
        self.keys = Some((keys, profile));
        Ok(())
    }

    /// Clients have nothing to say over DTLS but the goodbye.
    fn read(&mut self) {
        let mut buffer = [0; 2048];
        loop {
            match self.stream.ssl_read(&mut buffer) {
                Ok(_) => {}
                Err(error) if error.code() == ErrorCode::WANT_READ => return,
                Err(error) => {
                    tracing::trace!(%error, "a DTLS session ended");
                    self.close_notify = true;
                    self.say_goodbye();
                    return;
                }
            }
        }
    }

    fn say_goodbye(&mut self) {
        if self.state == State::Established {
            // Whether the other side hears it is of no consequence here.
            let _ = self.stream.shutdown();
        }
        self.state = State::Closed;
    }
}

impl DtlsInstance for Session {
    fn set_active(&mut self, active: bool) {
        if self.state == State::Idle {
            self.active = active;
            self.state = State::Handshaking;
        }
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        if self.state == State::Closed {
            return Ok(());
        }
        if !packet.is_empty() {
            self.stream.get_mut().incoming.push_back(packet.to_vec());
        }
        self.proceed()
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        if let Some(packet) = self.stream.get_mut().outgoing.pop_front() {
            return match put(buf, &packet) {
                Ok(packet) => DtlsOutput::Packet(packet),
                Err(needed) => {
                    self.stream.get_mut().outgoing.push_front(packet);
                    DtlsOutput::BufferTooSmall { needed }
                }
            };
        }
        if std::mem::take(&mut self.connected) {
            return DtlsOutput::Connected;
        }
        if let Some(certificate) = self.certificate.take() {
            return match put(buf, &certificate) {
                Ok(certificate) => DtlsOutput::PeerCert(certificate),
                Err(needed) => {
                    self.certificate = Some(certificate);
                    DtlsOutput::BufferTooSmall { needed }
                }
            };
        }
        if let Some((keys, profile)) = self.keys.take() {
            return DtlsOutput::KeyingMaterial(KeyingMaterial::new(&keys), profile);
        }
        if std::mem::take(&mut self.close_notify) {
            return DtlsOutput::CloseNotify;
        }
        let wait = if self.state == State::Handshaking { HANDSHAKE_TICK } else { IDLE };
        DtlsOutput::Timeout(self.now + wait)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.now = self.now.max(now);
        self.proceed()
    }

    fn send_application_data(&mut self, _data: &[u8]) -> Result<usize, DtlsImplError> {
        Ok(0) // no data channel is ever agreed on
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        (self.state == State::Established).then_some(ProtocolVersion::DTLS1_2)
    }

    fn is_closing(&self) -> bool {
        self.state == State::Closed
    }

    fn is_closed(&self) -> bool {
        self.state == State::Closed && self.stream.get_ref().outgoing.is_empty()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.say_goodbye();
        Ok(())
    }
}

/// What fits into the caller's buffer, or how much that had to hold.
fn put<'a>(buffer: &'a mut [u8], data: &[u8]) -> Result<&'a [u8], usize> {
    let room = buffer.get_mut(..data.len()).ok_or(data.len())?;
    room.copy_from_slice(data);
    Ok(room)
}

#[cfg(test)]
pub(super) mod tests;
