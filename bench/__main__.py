"""``make bench``: every benchmark."""

from bench import analyser, commands, review, synth

commands.main()
synth.main()
review.main()
analyser.main()
