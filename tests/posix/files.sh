#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Times, privileges, space, attributes: what operations do to the objects they are given.
# Time limit: 300
. "${0%/*}/../lib/posix.sh"

posix_images 256M -t ext4 -b 4096
posix_look ${LOOK_TOPICS:-times}
posix_compare
