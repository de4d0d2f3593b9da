//! Prints the API's description, for checking it in.

#![allow(clippy::print_stdout, reason = "printing is what this is for")]

fn main() {
    print!("{}", service::openapi_json());
}
