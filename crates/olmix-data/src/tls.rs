//! The TLS of this process.

/// Makes ring the provider of cryptography for TLS connections of this process, unless the process has chosen
/// one. Call it before an HTTP client is built: HTTP clients here bring no provider of their own, and stop
/// the program where there is none. Calls after the first do nothing.
pub fn install_tls_provider() {
    // An error says that another provider was installed first, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
