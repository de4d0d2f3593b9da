//! The programs of `docs/clients/` as they are in the binary.

/// One page's program.
#[derive(Debug)]
pub(super) struct Example {
    /// Its name, which is its folder.
    pub(super) client: &'static str,
    /// The program first.
    pub(super) files: &'static [File],
    /// The page, whose first block of shell commands starts the program.
    page: &'static str,
}

/// A file with its path below `docs/clients/`.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) text: &'static str,
}

/// A file of `docs/clients/`.
macro_rules! file {
    ($path:literal) => {
        File { path: $path, text: include_str!(concat!("../../../../docs/clients/", $path)) }
    };
}

/// An example: its folder, and the files that it needs.
macro_rules! example {
    ($client:literal, $($path:literal),+) => {
        Example {
            client: $client,
            files: &[$(file!($path)),+],
            page: include_str!(concat!("../../../../docs/clients/", $client, "/README.md")),
        }
    };
}

/// All of them, by name.
pub(super) const EXAMPLES: &[Example] = &[
    example!("dts-sdk", "dts-sdk/Subscribe.java", "dts-sdk/pom.xml"),
    example!("flink", "flink/Changes.java", "flink/pom.xml", "record.avsc"),
    example!("go", "go/consume.go", "go/go.mod", "go/go.sum", "record.avsc"),
    example!("java", "java/Consume.java", "java/pom.xml", "record.avsc"),
    example!("kcat", "kcat/consume.sh"),
    example!("node", "node/consume.js", "node/package.json", "record.avsc"),
    example!("python", "python/consume.py", "python/requirements.txt", "record.avsc"),
    example!("rust", "rust/src/main.rs", "rust/Cargo.toml", "rust/Cargo.lock", "record.avsc"),
];

/// The example of a client.
pub(super) fn example(client: &str) -> Option<&'static Example> {
    EXAMPLES.iter().find(|example| example.client == client)
}

impl Example {
    /// The commands that start it: the first block of shell commands of its page.
    pub(super) fn run(&self) -> &'static str {
        let block = self.page.split_once("```sh\n").map(|(_, rest)| rest);
        block.and_then(|rest| rest.split_once("```")).map_or("", |(block, _)| block)
    }
}
