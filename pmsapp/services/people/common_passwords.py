"""Words that on their own, in pairs, or with digits behind them make a password anybody would try."""

from __future__ import annotations

COMMON_WORDS = frozenset(
    """
    access account admin administrator amanda andrew angel anthony apple ashley asdf asdfgh asdfghjkl august australia
    autumn backup banana baseball basketball batman blessed blink brisbane broncos buster butterfly cat change changeit
    changeme charlie cheese chelsea chocolate christmas coffee collingwood computer contact cookie cricket dad daniel
    database december default demo dentist desk diamond doctor dog dragon dummy easter email enter essendon example
    family february flower football footy forever freedom friday friend ginger god google guest guitar happy harley
    health heaven hello hockey holiday home hospital hottie hunter iloveyou internet jasmine jennifer jessica jesus
    jordan joshua july june justin killer kitty laptop letme letmein liverpool login love lovely loveme maggie magic
    manager march master matthew maverick medical medicine melbourne merlin michael michelle mickey monday monkey
    mother mum mustang mynoob name new newuser nicole ninja nothing november nurse october office oliver orange
    pass passphrase passw passwd password patient peanut pepper perth phoenix please pokemon practice princess private
    purple qazwsx qwer qwert qwerty qwertyui qwertyuiop rainbow ranger richmond robert root samsung saturday secret
    secure security sept september server shadow silver snoopy soccer spring staff starwars summer sun sunday sunshine
    superman support surgery sydney system temp temppass temporary test tester testing thomas thursday tigger today
    trustno trustnoone tuesday user username video wednesday welcome whatever winter wizard yellow zaq zxcvbn zxcvbnm
    letmeinplease logmein iamadmin theboss boss freepass mypassword mypass mysecret opensesame sesame our my the it me in to is and
    """.split()  # noqa: SIM905 - a list of words reads better as words
)

# Runs along the keyboard, the alphabet and the digits, long enough to hold any password cut out of them.
ROWS = tuple(
    (row * 30)[:300]
    for row in (
        "abcdefghijklmnopqrstuvwxyz",
        "1234567890",
        "0123456789",
        "qwertyuiopasdfghjklzxcvbnm",
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
        "qazwsxedcrfvtgbyhnujm",
        "1q2w3e4r5t6y7u8i9o0p",
        "q1w2e3r4t5y6u7i8o9p0",
    )
)
