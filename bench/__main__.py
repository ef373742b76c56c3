"""``make bench``: every benchmark."""

from bench import commands, synth

commands.main()
synth.main()
