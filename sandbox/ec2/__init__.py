"""EC2 as EC2 behaves, on moto's data: launches, life cycles, and answers in linear time."""
