//! Follows a growing topic with many connections at once and throws the bytes away: what live readers cost
//! the server, with next to no client in the way.
//!
//! `fetch_follow HOST:PORT TOPIC [--bytes N] [--connections N]` reads partition 0 from its first offset on,
//! until its standard input ends and every connection stands at the end of the log. Then it prints one line
//! of JSON. Of each batch the header is read, to know where the next Fetch begins; the rest is discarded
//! within the kernel (`MSG_TRUNC`). It speaks Fetch v4 in plaintext without a login.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kafka::messages::{FetchPartition, FetchRequest, FetchTopic};
use kafka::{ApiVersion, CorrelationId, Offset, encode_request};
use rustix::net::RecvFlags;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const FETCH: ApiVersion = ApiVersion(4);
const CLIENT: Option<&str> = Some("fetch-follow");
/// How long a broker may stay silent.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the broker may hold a Fetch back when there is nothing new.
const WAIT_MS: i32 = 100;
/// Discarded by one call at most. Nothing is written there.
const DISCARD_BYTES: usize = 4 << 20;
/// Base offset, length, epoch, magic, CRC, attributes and last offset delta of a batch (record batch v2).
const BATCH_HEAD: usize = 27;
/// What the length field of a batch does not count: itself and the base offset.
const BATCH_UNCOUNTED: usize = 12;

/// What one connection has read.
#[derive(Debug, Default, Clone, Copy)]
struct Taken {
    records: i64,
    bytes: u64,
    fetches: u64,
}

fn main() -> Result<(), Failure> {
    let (address, topic, bytes, connections) = parse(std::env::args().skip(1))?;
    let enough = AtomicBool::new(false);
    let began = Instant::now();
    let read: Result<Vec<Taken>, Failure> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..connections)
            .map(|_| scope.spawn(|| follow(&address, &topic, bytes, &enough)))
            .collect();
        io::copy(&mut io::stdin().lock(), &mut io::sink())?;
        enough.store(true, Ordering::Relaxed);
        readers.into_iter().map(|reader| reader.join().map_err(|_| "a reader panicked")?).collect()
    });
    let read = read?;
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    writeln!(
        io::stdout(),
        "{{\"bytes\": {}, \"records_least\": {}, \"records_most\": {}, \"fetches\": {}, \"seconds\": {:.6}, \
         \"client_cpu_seconds\": {:.3}}}",
        read.iter().map(|one| one.bytes).sum::<u64>(),
        read.iter().map(|one| one.records).min().unwrap_or_default(),
        read.iter().map(|one| one.records).max().unwrap_or_default(),
        read.iter().map(|one| one.fetches).sum::<u64>(),
        began.elapsed().as_secs_f64(),
        spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9,
    )?;
    Ok(())
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<(String, String, i32, u32), Failure> {
    let usage = "usage: fetch_follow HOST:PORT TOPIC [--bytes N] [--connections N]";
    let mut plain = Vec::new();
    let (mut bytes, mut connections) = (1 << 20, 1);
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(usage);
        match argument.as_str() {
            "--bytes" => bytes = value()?.parse()?,
            "--connections" => connections = value()?.parse()?,
            _ => plain.push(argument),
        }
    }
    let [address, topic] = <[String; 2]>::try_from(plain).map_err(|_| usage)?;
    Ok((address, topic, bytes, connections))
}

/// One connection, from the first offset on until `enough` and the end of the log.
fn follow(address: &str, topic: &str, bytes: i32, enough: &AtomicBool) -> Result<Taken, Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut nowhere = vec![0; DISCARD_BYTES];
    let mut read = Taken::default();
    let mut next = Offset(0);
    loop {
        let last = enough.load(Ordering::Relaxed);
        let partition =
            FetchPartition { fetch_offset: next, max_bytes: bytes, ..FetchPartition::default() };
        let topic =
            FetchTopic { name: topic, partitions: vec![partition], ..FetchTopic::default() };
        let request = FetchRequest {
            max_wait_ms: WAIT_MS,
            min_bytes: 1,
            max_bytes: bytes,
            topics: vec![topic],
            ..Default::default()
        };
        stream.write_all(encode_request(FETCH, CorrelationId(1), CLIENT, request)?.bytes())?;
        let (high_watermark, mut left) = answer_head(&mut stream)?;
        read.bytes += left as u64;
        read.fetches += 1;
        while left >= BATCH_HEAD {
            let head: [u8; BATCH_HEAD] = array(&mut stream)?;
            let length = usize::try_from(i32_at(&head, 8)?)? + BATCH_UNCOUNTED;
            left -= BATCH_HEAD;
            if length > left + BATCH_HEAD {
                break;
            }
            discard(&mut stream, &mut nowhere, length - BATCH_HEAD)?;
            left -= length - BATCH_HEAD;
            let base = i64::from_be_bytes(head.get(..8).ok_or("short")?.try_into()?);
            let behind = base + i64::from(i32_at(&head, 23)?) + 1;
            read.records += behind - next.0;
            next = Offset(behind);
        }
        discard(&mut stream, &mut nowhere, left)?;
        if last && next.0 >= high_watermark {
            return Ok(read);
        }
    }
}

/// Reads an answer up to its records: the high watermark, and how many bytes of records follow.
fn answer_head(stream: &mut TcpStream) -> Result<(i64, usize), Failure> {
    // length, correlation, throttle time, topics, then the name of the one topic
    let head: [u8; 18] = array(stream)?;
    let name = u16::from_be_bytes(head.get(16..18).ok_or("short")?.try_into()?);
    io::copy(&mut stream.take(u64::from(name)), &mut io::sink())?;
    // partitions, partition, error, high watermark, last stable offset, aborted transactions
    let partition: [u8; 30] = array(stream)?;
    let error = u16::from_be_bytes(partition.get(8..10).ok_or("short")?.try_into()?);
    if error != 0 {
        return Err(format!("the broker refused with error {error}").into());
    }
    let high_watermark = i64::from_be_bytes(partition.get(10..18).ok_or("short")?.try_into()?);
    let aborted = i32_at(&partition, 26)?;
    if aborted > 0 {
        return Err("aborted transactions, where there are none".into());
    }
    let length: [u8; 4] = array(stream)?;
    Ok((high_watermark, usize::try_from(i32::from_be_bytes(length).max(0))?))
}

fn array<const N: usize>(stream: &mut TcpStream) -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn i32_at(bytes: &[u8], at: usize) -> Result<i32, Failure> {
    Ok(i32::from_be_bytes(bytes.get(at..at + 4).ok_or("short")?.try_into()?))
}

fn discard(stream: &mut TcpStream, nowhere: &mut [u8], mut left: usize) -> Result<(), Failure> {
    while left > 0 {
        let part = nowhere.get_mut(..left.min(DISCARD_BYTES)).unwrap_or_default();
        let (_, gone) = rustix::net::recv(&*stream, part, RecvFlags::TRUNC | RecvFlags::WAITALL)?;
        if gone == 0 {
            return Err("the broker closed the connection".into());
        }
        left = left.saturating_sub(gone);
    }
    Ok(())
}
