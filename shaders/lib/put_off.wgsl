// Groups that the short way is not for are put off until a thread is through with the others: software adapters run a
// branch that no lane takes, and a loop that none enters once. A thread has at most 32 chunks of 16 groups.

const PUT_OFF_CHUNKS = (GROUPS_PER_THREAD + 15u) / 16u;

var<private> put_off: array<u32, PUT_OFF_CHUNKS>;  // of each chunk the groups, a bit each
var<private> chunks_put_off: u32;                  // the chunks that have any, a bit each
var<private> groups_put_off: u32;                  // of the present chunk
var<private> group_bit: u32 = 1u;

// Not yet.
fn with_put_off(losses: Floats, is_put_off: bool, first: u32, scale: f32) -> Floats {
  groups_put_off |= select(0u, group_bit, is_put_off);
  return losses;
}

fn next_group() {
  group_bit += group_bit;
}

fn put_off_chunk(chunk: u32) {
  put_off[chunk] = groups_put_off;
  chunks_put_off |= select(0u, 1u << chunk, groups_put_off != 0u);
  groups_put_off = 0u;
  group_bit = 1u;
}

// One loop for all chunks; what is put off adds to the sum as in main.
fn sum_put_off(first: u32, scale: f32) -> f32 {
  var sum = 0.0;
  var in_chunk = 0.0;
  for (; chunks_put_off != 0u;) {
    let chunk = firstTrailingBit(chunks_put_off);
    let groups = put_off[chunk];
    let group = 16u * chunk + firstTrailingBit(groups);
    in_chunk += add_lanes(losses_put_off(first + group * WORKGROUP_SIZE * LANES, scale));
    let rest = groups & (groups - 1u);
    put_off[chunk] = rest;
    if rest == 0u {
      chunks_put_off &= chunks_put_off - 1u;
      sum += in_chunk;
      in_chunk = 0.0;
    }
  }
  return sum;
}
