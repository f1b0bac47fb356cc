"""Makes Swift's rings: one disk, one copy of everything. The disk's file system has to take Swift's attributes."""
import os
import sys

from swift.common.ring import RingBuilder

folder = sys.argv[1]
try:
    os.setxattr(f'{folder}/devices/disk', 'user.devcloud', b'here')
except OSError as e:
    sys.exit(f'the file system of {folder} takes no extended attributes of users, in which Swift keeps what it knows of '
             f'an object ({e.strerror}): put it on ext4, XFS or Btrfs')
for kind, port in (('account', 6202), ('container', 6201), ('object', 6200)):
    ring = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
    ring.add_dev({'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': port, 'device': 'disk', 'weight': 1})
    ring.rebalance()
    ring.get_ring().save(f'{folder}/{kind}.ring.gz')
