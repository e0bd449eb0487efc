// MurmurHash64A, a public-domain hash of 64 bits, with the seed of libstdc++'s std::hash: what Envoy's MURMUR_HASH_2 is.
const MASK = 0xffff_ffff_ffff_ffffn;
const MULTIPLIER = 0xc6a4_a793_5bd1_e995n;
const SEED = 0xc70f_6907n;

export function murmurHash2(text: string, seed = SEED): bigint {
  const bytes = Buffer.from(text, "latin1");
  const whole = bytes.length & ~7;
  let hash = seed ^ ((BigInt(bytes.length) * MULTIPLIER) & MASK);
  for (let at = 0; at < whole; at += 8) {
    const mixed = (shiftMix((bytes.readBigUInt64LE(at) * MULTIPLIER) & MASK) * MULTIPLIER) & MASK;
    hash = ((hash ^ mixed) * MULTIPLIER) & MASK;
  }
  if (whole < bytes.length) {
    let rest = 0n;
    for (let at = bytes.length - 1; at >= whole; at--) rest = (rest << 8n) | BigInt(bytes[at]!);
    hash = ((hash ^ rest) * MULTIPLIER) & MASK;
  }
  return shiftMix((shiftMix(hash) * MULTIPLIER) & MASK);
}

function shiftMix(value: bigint): bigint {
  return value ^ (value >> 47n);
}
