//! Certificates, keys and authorities as they lie on the disk, in PEM form.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Error;

/// The files of one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The listener's certificate, those of intermediate authorities behind it.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
    /// The authorities whose clients are let in; `None` asks no client for a certificate.
    pub client_ca: Option<PathBuf>,
}

/// What tells whether files were replaced, without reading them: of each its device, number, length and
/// time of change. A link (as Kubernetes mounts secrets) counts as what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<Option<[i64; 5]>>);

/// No certificate comes near it.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl Files {
    /// How the files are now. One that is missing has no stamp.
    pub(crate) fn stamp(&self) -> Stamp {
        let all = [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()];
        let stamp = |path: &PathBuf| {
            let found = std::fs::metadata(path).ok()?;
            let (device, number) = (found.dev().cast_signed(), found.ino().cast_signed());
            let length = found.len().cast_signed();
            Some([device, number, length, found.mtime(), found.mtime_nsec()])
        };
        Stamp(all.into_iter().flatten().map(stamp).collect())
    }

    /// The listener's certificates, its own first.
    pub(crate) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        certificates(&self.certificate)
    }

    pub(crate) fn private_key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        let text = read(&self.key)?;
        PrivateKeyDer::from_pem_slice(&text).map_err(|_| Error::Content {
            path: self.key.clone(),
            wanted: "private key in PEM form without a passphrase",
        })
    }
}

/// The authorities in a file.
pub(crate) fn authorities(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| Error::Authority {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    found
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| Error::Content { path: path.into(), wanted: "certificate in PEM form" })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::File { path: path.to_path_buf(), source };
    let mut text = Vec::new();
    let mut file = File::open(path).map_err(failed)?.take(FILE_BYTES_MAX + 1);
    let length = file.read_to_end(&mut text).map_err(failed)?;
    if u64::try_from(length).is_ok_and(|length| length <= FILE_BYTES_MAX) {
        return Ok(text);
    }
    Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB")))
}
