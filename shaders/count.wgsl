// Count: the labels, before the loss needs its divisor. Integers, so exact and in any order.
// One thread takes LABELS_PER_THREAD pixels, WORKGROUP_SIZE apart.

var<workgroup> class_counts: array<atomic<u32>, CLASSES>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) num_workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = workgroup_id.y * num_workgroups.x + workgroup_id.x;
  let first = index * WORKGROUP_SIZE * LABELS_PER_THREAD + lane;
  var valid = 0u;
  var invalid = 0u;
  for (var i = 0u; i < LABELS_PER_THREAD; i++) {
    let pixel = first + i * WORKGROUP_SIZE;
    if pixel < problem.pixels {
      let label = label_at(pixel);
      if label != problem.ignore_index {
        if is_class(label) {
          valid++;
          if CLASS_COUNTS {
            atomicAdd(&class_counts[label], 1u);
          }
        } else {
          invalid++;
        }
      }
    }
  }
  if valid > 0u {
    atomicAdd(&workspace.valid, valid);
  }
  if invalid > 0u {
    atomicAdd(&workspace.invalid, invalid);
  }
  if CLASS_COUNTS {
    workgroupBarrier();
    for (var c = lane; c < CLASSES; c += WORKGROUP_SIZE) {
      let n = atomicLoad(&class_counts[c]);
      if n > 0u {
        atomicAdd(&workspace.class_counts[c], n);
      }
    }
  }
}
