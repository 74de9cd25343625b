//! What an object store says when it refuses, in words for people.

use object_store::Error;

use crate::LaunchError;

/// What the store of a URL said, in short, and what to do about it.
pub fn refused(url: &str, error: &Error) -> LaunchError {
    let text = error_chain(error);
    let said = summary(&text);
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let (credentials, endpoint) = (credentials_of(url), endpoint_of(url));
    let help = if has(&[
        "ExpiredToken",
        "RequestExpired",
        "TokenRefreshRequired",
        "Signature not valid in the specified time frame",
    ]) {
        format!(
            "the credential has expired: renew it ({credentials}), then run the same command again"
        )
    } else if names_missing_bucket(&text) {
        "make the bucket or container, or correct engine.storage".to_owned()
    } else if has(&[
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidToken",
        "AuthenticationFailed",
        "NoAuthenticationInformation",
        "failed to authenticate",
        "MissingCredentials",
        "missing credentials",
        "169.254.169.254",
    ]) || matches!(error, Error::Unauthenticated { .. })
    {
        format!("set the credential of the store in the environment: {credentials}")
    } else if has(&["AccessDenied", "403"]) || matches!(error, Error::PermissionDenied { .. }) {
        "this credential must be allowed to list, read, write and delete objects below it"
            .to_owned()
    } else {
        format!(
            "look whether the store is reachable from here, and whether its endpoint ({endpoint}) and region \
             are right"
        )
    };
    LaunchError::refused(format!("{url}: {said}"), help)
}

/// The variables of the environment that have the credential of a URL's store.
pub fn credentials_of(url: &str) -> &'static str {
    match url.split_once("://") {
        Some(("az", _)) => {
            "AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN or those of a \
             principal"
        }
        Some(("gs", _)) => "GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT",
        _ => {
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with AWS_SESSION_TOKEN where it is temporary"
        }
    }
}

/// The variable of the environment that has the endpoint of a URL's store.
fn endpoint_of(url: &str) -> &'static str {
    match url.split_once("://") {
        Some(("az", _)) => "AZURE_STORAGE_ENDPOINT",
        Some(("gs", _)) => "GOOGLE_BASE_URL",
        _ => "AWS_ENDPOINT_URL",
    }
}

/// An error with all that caused it.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text += &format!(": {more}");
        }
        cause = inner.source();
    }
    text
}

/// Whether an error says that the bucket, not an object in it, is missing.
pub fn is_missing_bucket(error: &Error) -> bool {
    names_missing_bucket(&error_chain(error))
}

fn names_missing_bucket(text: &str) -> bool {
    [
        "NoSuchBucket",
        "ContainerNotFound",
        "The specified bucket does not exist",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// The telling part of what a store said: `AccessDenied: …` out of its XML, or the last cause.
fn summary(text: &str) -> String {
    const MOST: usize = 200;
    let inside = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once('<')?.0.trim().to_owned())
    };
    let told = match (inside("Code"), inside("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        _ => match text.rsplit_once("status code: ") {
            Some((_, rest)) => format!("it answers {}", rest.lines().next().unwrap_or(rest)),
            None => text
                .rsplit(": ")
                .take(2)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
                .join(": "),
        },
    };
    let line = told.lines().next().unwrap_or_default().trim().to_owned();
    let mut cut: String = line.chars().take(MOST).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_store_is_summarized_by_its_code_or_its_last_cause() {
        let text = "Generic S3 error: Error performing PUT http://x in 1s, after 0 retries - Server returned \
            non-2xx status code: 403 Forbidden: <?xml \
            version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        assert_eq!(summary(text), "AccessDenied: Access Denied");
        assert_eq!(summary("a: b: c: d"), "c: d");
    }
}
