"""The words and rules of the grammar plays, as tables that grammar.py reads."""

# Every word with its stress: 1 strong, 0 weak, ? a small word that bends to its place.

# Every name is a trochee (DUM-da), so anyone may be named in any line without disturbing the metre.
LEXICON = """
NAME      10 Rowan Edith Conrad Agnes Wilfred Martha Oswald Bertha Godfrey Hester Ambrose Mildred
          Magnus Phoebe Hubert Sybil Anselm Dorcas Tristan Gilda Roland Ursel Quentin Zelda
MAN       1 king duke cook fool knight priest ghost thief clerk monk son page squire groom
          10 father brother baker miller tailor uncle bishop poet lawyer butcher barber sexton
          doctor joiner weaver grocer cousin steward 101 chimneysweep gondolier bachelor
WOMAN     1 queen aunt maid nun bride witch 10 mother sister daughter widow lady goddess hostess
PEOPLE    1 kings cooks fools knights ghosts thieves monks aunts nuns clerks dukes squires
          10 fathers sisters bakers millers tailors uncles bishops poets lawyers widows cousins
          neighbours soldiers beggars doctors sailors shepherds pirates children
GENITIVE  1 king's cook's fool's queen's aunt's ghost's monk's squire's
          10 father's mother's sister's uncle's bishop's widow's baker's poet's miller's doctor's
          neighbour's butcher's lady's cousin's
THING     1 goose crown pie hat horse sword drum cheese purse ring spoon goat bell pig fish cat song
          shoe boat harp cloak beard ham wig egg oar axe tooth nose tart stool broom lamp lute snail
          frog toad duck hen flute kite rope cup bed knife plum leek grape cake glove belt cart
          10 letter candle ladder dinner chicken donkey kettle turnip window pillow button basket
          hammer mirror saddle cabbage pudding fiddle onion apple oyster anchor carrot sausage
          lobster feather trumpet pigeon spider mustard pumpkin blanket bonnet bucket dumpling
          monkey walnut teapot parsnip pickle herring slipper barrel needle whistle peacock
          101 nightingale candlestick porcupine crocodile marmalade butterfly tambourine
          gingerbread 1010 caterpillar salamander cauliflower
THINGS    1 crowns pies hats drums bells pigs songs shoes eggs bees goats boats wigs frogs snails
          plums ducks cakes gloves leeks 10 letters candles ladders chickens donkeys turnips onions
          buttons puddings oysters pickles hammers kettles carrots feathers trumpets lobsters pigeons
          spiders dumplings pumpkins
NOTION    1 love truth grief hope shame peace sleep rhyme faith luck wit pride time 10 honour sorrow
          fortune patience wisdom reason mercy pleasure silence hunger courage beauty virtue
ADJECTIVE 10 noble gentle foolish weary hungry merry little silent honest crooked golden rotten
          humble angry lonely handsome mighty sleepy pretty famous wicked clever dusty stubborn
          married purple ancient empty idle ugly silver wooden borrowed painted frozen haunted
          greasy bashful royal tragic modest secret blessed holy hollow rusty yellow cheerful
          dreadful graceful grateful jealous nervous tender thirsty thrifty wealthy tiny salted
QUALITY   1 proud old wise mad sad cold fair fat deaf thin bald tall rude meek slow ? kind brave
          10 noble gentle foolish weary hungry merry silent honest crooked humble lonely sleepy
          wicked clever stubborn bashful tragic modest jealous nervous thirsty cheerful hollow
          01 absurd polite sincere
STATE     01 alone asleep awake undone afraid ashamed abroad bewitched engaged enraged betrothed
PLACE     1 moon hill church bridge wall tree stair road mill barn pond fire bed bench well marsh
          10 garden river kitchen castle forest stable market chapel cellar orchard harbour tavern
          palace meadow steeple mountain attic haystack
PREP      ? in by near 01 beneath upon behind beyond above beside below against before around across
          within
PART      1 lost found sold kissed burnt drowned bought cooked lent praised taught caught cursed
          weighed washed wooed chased
          10 stolen eaten hidden married buried painted followed broken poisoned measured swallowed
          tickled pardoned beaten bitten chosen christened flattered pickled polished
          01 betrayed adored ignored mislaid disgraced forsworn released
          010 forgotten forgiven mistaken offended rewarded invented embarrassed
RESTS     1 sits lies sings weeps stands snores sleeps hangs
LORD      1 lord friend love king queen heart lamb prince judge saint star ? dear sweet
CALLING   ? good sweet dear poor brave kind
DET       0 the my thy our
CONJ      ? and but for yet though while since so
SMALL     0 a an ? this yon some these whom I thou we they me thee us his her their no not all that if when why where
          who how there like as too of with at till now is hast it be come go bring give tell speak
          let say such words fine farewell sayst 1 once much more dream use last noon dawn night
          10 any every never 01 today tonight again alas adieu beware behold methinks indeed
"""
# Verbs are written once; thou and he have their endings from `conjugate`.
VERBS = """
TRANSITIVE   1 love seek keep know hear fear find steal sell need crave paint hide owe feed serve
             bake boil shave hate call wear comb bribe cook cure draw blame drown fool greet
             grill haunt heal hunt lend mend quote scold scorn shun
             10 follow borrow honour worship flatter poison tickle swallow question pardon butter
             conquer hammer juggle pepper plunder rescue trouble
             01 adore forgive forget pursue betray deserve admire ignore conceal invite mistake
             abhor alarm annoy consult reward salute defend
INTRANSITIVE 1 sleep weep sing laugh snore pray dream sigh kneel swim limp swear grin sulk groan
             faint yawn starve
             10 wander whisper tremble linger stumble suffer grumble mutter gargle giggle shiver
             stutter stagger blunder 01 despair complain return depart appear repent recite
"""
# The forms of I, thou, he and they; she and one (somebody named) go with he, we with they.
IRREGULAR = """
BE am art is are | HAVE have hast hath have | DO do dost doth do | MODAL will wilt will will
| MODAL shall shalt shall shall | MODAL must must must must | MODAL can canst can can
| MODAL may mayst may may
"""
PERSONS = ["I", "thou", "he", "she", "we", "they", "one"]
# A couplet's first line ends in a word left of the colon, its second in one from the right.
RHYMES = """
bed bread head: thread shed | night light knight: sight fight fright | day way hay: play bay clay
| king ring spring: string thing wing | crown town gown: clown frown | sea tree bee: knee flea key
| moon tune: spoon noon | gold: cold fold | stone throne: bone loan | door shore: floor boar
| pie sky: eye fly lie | sheep: sleep heap | house mouse: louse grouse | rose nose: foes toes
| hat cat: rat mat bat | hand land: band sand | heart cart: tart dart
"""

# Rules: "~" ends a line, "-" is nothing, "*3" a weight, loves/he a form with its person. Where
# a name ends in .x the rule holds for every person, in .r for every rhyme, in .a for a and an. No
# two alternatives can begin alike: a text has one derivation, its probability is one product.

RULES = """
VERSE    = CLAUSE TAIL *40 | LONG *12 | ASK *14 | ORDER TAIL *8 | CALLING @you , SIMPLE TAIL *5
         | if SIMPLE , SIMPLE END *4 | when SIMPLE , SIMPLE END *4 | how QUALITY PRAISED *4
         | alas , SIMPLE TAIL *3 | methinks SIMPLE TAIL *3 | they say that SIMPLE TAIL *2
         | there RESTS ONE PREP DET PLACE TAIL *3
CLAUSE   = I PRED.I *3 | thou PRED.thou *3 | we PRED.we | DET WHO *5
SIMPLE   = I PRED.I *2 | thou PRED.thou *2 | we PRED.we | @third PRED.one *2 | DET WHOM *3
WHO      = ADJECTIVE SOMEBODY | SOMEBODY *2
SOMEBODY = MAN FULL.he | WOMAN FULL.she | PEOPLE FULL.they
WHOM     = MAN PRED.he | WOMAN PRED.she | PEOPLE PRED.they
FULL.x   = PRED.x *2 | whom LOVER PRED.x *3 | that DEED.x PRED.x *2
LONG     = this KIN | yon FOLK | some FOLK | no FOLK | these PEOPLE WHICH.they
KIN      = ADJECTIVE KINSMAN | MAN WHICH.he | WOMAN WHICH.she
KINSMAN  = MAN WHICH.he | WOMAN WHICH.she
FOLK     = ADJECTIVE FELLOWS | MAN WHICH.he | WOMAN WHICH.she | PEOPLE WHICH.they
FELLOWS  = MAN WHICH.he | WOMAN WHICH.she | PEOPLE WHICH.they
WHICH.x  = whom LOVER EXTRA ~ PRED.x TAIL | that DEED.x ~ PRED.x TAIL
LOVER    = I TRANSITIVE.I | thou TRANSITIVE.thou | all DET PEOPLE TRANSITIVE.they | DET LOVERS
LOVERS   = MAN TRANSITIVE.he | WOMAN TRANSITIVE.she | PEOPLE TRANSITIVE.they
DEED.x   = INTRANSITIVE.x WHERE | TRANSITIVE.x OWN.x GOODS EXTRA *2
PRED.x   = TRANSITIVE.x OBJECT.x EXTRA *4 | INTRANSITIVE.x WHERE *3 | BE.x QUITE *2
         | HAVE.x HAVING.x *3 | MODAL.x NOT ACT.x *4 | DO.x not TASK.x
NOT      = - *3 | not | never
TASK.x   = TRANSITIVE OBJECT.x EXTRA *3 | INTRANSITIVE WHERE
ACT.x    = TRANSITIVE OBJECT.x EXTRA *3 | INTRANSITIVE WHERE | be QUITE
HAVING.x = PART OBJECT.x EXTRA *4 | never PART OBJECT.x | no NOTION
OBJECT.x = OWN.x GOODS *4 | the GOODS *2 | a GOODS.a | an GOODS.an | every THING | no THING *.5
         | ADJECTIVE THINGS | US.x *2
GOODS    = THING *2 | THINGS | GENITIVE THING | ADJECTIVE STUFF *4
STUFF    = THING *2 | THINGS
ONE      = a GOODS.a *3 | an GOODS.an
GOODS.a  = THING.a | GENITIVE.a THING | ADJECTIVE.a THING *3
QUITE    = QUALITY *2 | as QUALITY as LIKE *3 | too QUALITY | not QUALITY | STATE | of no use
         | in love with DET GOODS
LIKE     = any THING | a GOODS.a | an GOODS.an | NOTION | thy GENITIVE THING
WHERE    = - *2 | PREP DET PLACE *3 | like ONE *2 | ADVERB
EXTRA    = - *4 | PREP DET PLACE | ADVERB | with DET GOODS | for NOTION
ADVERB   = today | tonight | again | indeed | too much | no more | at HOUR *2
HOUR     = last | once | noon | dawn | night
PRAISED  = is/he DET SINGULAR !~ | are/they DET PLURAL !~
SINGULAR = MAN | WOMAN | THING | ADJECTIVE THING
PLURAL   = PEOPLE | THINGS | ADJECTIVE THINGS
END      = .~ *3 | !~
TAIL     = END *4 | , MIDDLE *4 | ; SIMPLE END | ,~ CONJ SIMPLE END *4
MIDDLE   = CONJ SIMPLE END *3 | my LORD END | @you , CONJ SIMPLE END *2 | thou ADJECTIVE THING END
ASK      = QUERY *3 | why QUERY | say , @you , QUERY *.3 | who hath/he HAVING.one ENQUIRE
         | where PLACED
PLACED   = is/he DET SINGULAR ENQUIRE | are/they DET PLURAL ENQUIRE
QUERY    = hast/thou thou HAVING.thou ENQUIRE | dost/thou thou TASK.thou ENQUIRE
         | MODAL.thou thou ACT.thou ENQUIRE | shall/I I ACT.I ENQUIRE | doth/he DET PERSON ENQUIRE
PERSON   = MAN TASK.he | WOMAN TASK.she
ENQUIRE  = ?~ *3 | , INSULT ?~
INSULT   = my LORD | thou ADJECTIVE THING
ORDER    = give me DET GOODS EXTRA | bring me DET GOODS EXTRA | go TRANSITIVE OBJECT.thou EXTRA
         | tell DET WITNESS | let us ACT.we | come , @you , let us ACT.we | beware of DET GOODS
         | speak not of OWN.thou GOODS | behold DET GOODS EXTRA
WITNESS  = MAN that SIMPLE | WOMAN that SIMPLE
REPLY    = thou sayst/thou it , @you , CONJ SIMPLE END | sayst/thou thou so , @you , when SIMPLE ?~
         | fine words , my LORD , CONJ SIMPLE END | such words are/they QUITE END
COUPLET  = farewell , CALLED ; I MODAL.I QUEST | adieu , CALLED ; I MODAL.I QUEST
         | now MODAL.I I QUEST
CALLED   = CALLING @you | my LORD
QUEST    = TRANSITIVE DET HELD | dream of DET HELD
HELD     = RHYMED | ADJECTIVE RHYMED
SECOND.r = and TRANSITIVE DET GOODS PREP DET LAST.r | till DET MAN TRANSITIVE.he DET LAST.r
         | where DET PEOPLE INTRANSITIVE.they PREP DET LAST.r
LAST.r   = FINAL.r END | ADJECTIVE FINAL.r END
US.I     = thee
US.thou  = me
US.he    = me | thee | us
US.she   = me | thee | us
US.we    = thee
US.they  = me | thee | us
US.one   = me | thee | us
OWN.I    = my *2 | thy
OWN.thou = thy *2 | my
OWN.he   = his *3 | my | thy
OWN.she  = her *3 | my | thy
OWN.we   = our *2 | thy
OWN.they = their *3 | my | thy
OWN.one  = my | thy | our
"""
