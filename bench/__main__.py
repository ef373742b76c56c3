"""``make bench``: every benchmark."""

from bench import analyser, commands, synth

commands.main()
synth.main()
analyser.main()
