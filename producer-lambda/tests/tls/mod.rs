//! A service's certificate, made on the spot, and the authority that a function must be told to trust.
//!
//! Must never be written anywhere but into a test's own folder: it is good for one run.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A service at 127.0.0.1 and whoever vouches for it.
pub(crate) struct Identity {
    /// Ends the TLS of connections to it.
    pub(crate) acceptor: TlsAcceptor,
    /// The authority's certificate, PEM.
    pub(crate) authority: String,
}

impl Identity {
    /// Another one each time.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority of one run");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let service = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = service.signed_by(&key, &authority).unwrap();
        let chain = vec![certificate.der().clone()];
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority: authority.pem() }
    }

    /// Writes the authority's certificate to `path`, after those of `others`.
    pub(crate) fn write_authority(&self, path: &Path, others: &str) {
        std::fs::write(path, format!("{others}\n{}", self.authority)).unwrap();
    }
}
