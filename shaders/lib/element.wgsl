// Sigmoid: a position is an element, in the order of the logits. A tile may have some channels of one image.

fn channel_of(position: u32) -> u32 {
  return problem.first_class + (position / problem.class_stride) % CLASSES;
}

fn pixel_of(position: u32) -> u32 {
  let image = position / (problem.class_stride * CLASSES);
  return image * problem.class_stride + position % problem.class_stride;
}
