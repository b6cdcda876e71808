//! Cookies: whoever sends one back is at the address it says (4.3.1.1).

use std::net::SocketAddr;

use aws_lc_rs::hmac;

/// Makes and knows cookies without keeping any.
#[derive(Debug)]
pub(crate) struct Cookies(hmac::Key);

impl Cookies {
    /// With a secret of its own.
    pub(crate) fn random() -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>()))
    }

    /// The cookie of an address within a minute.
    pub(crate) fn make(&self, minute: u64, from: SocketAddr) -> u32 {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&minute.to_be_bytes());
        context.update(from.to_string().as_bytes());
        let tag = context.sign();
        let bytes = tag.as_ref().first_chunk::<4>().copied().unwrap_or_default();
        u32::from_be_bytes(bytes)
    }

    /// Whether the address got this cookie within the last one or two minutes.
    pub(crate) fn is_ours(&self, minute: u64, from: SocketAddr, cookie: u32) -> bool {
        let before = minute.checked_sub(1);
        [Some(minute), before].into_iter().flatten().any(|m| self.make(m, from) == cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_good_for_its_address_and_a_minute() {
        let cookies = Cookies::random();
        let (here, there) = ("192.0.2.1:5".parse().unwrap(), "192.0.2.1:6".parse().unwrap());
        let cookie = cookies.make(7, here);
        assert!(cookies.is_ours(7, here, cookie) && cookies.is_ours(8, here, cookie));
        assert!(!cookies.is_ours(9, here, cookie), "too old");
        assert!(!cookies.is_ours(6, here, cookie), "of the future");
        assert!(!cookies.is_ours(7, there, cookie) && !Cookies::random().is_ours(7, here, cookie));
    }
}
