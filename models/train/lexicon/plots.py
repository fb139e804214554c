"""Plots of short stories, sentence by sentence.

A plot is a chain of beats; each beat has several wordings that all fit those before and after. `{A}` and `{B}` are the characters, `{he}`,
`{his}` and `{him}` belong to A. Every other slot of a plot is drawn once for the whole story, so that a lost kite stays a kite.
"""

from splits import items_of

#: Where the two live.
PLACES = [
    "in a small village by the sea",
    "at the edge of a quiet forest",
    "on a green hill above a river",
    "in an old house with a red roof",
    "near a deep blue lake",
    "in a valley full of flowers",
    "on a farm with a tall windmill",
    "at the end of a long road",
    "in a little town behind the mountains",
    "beside an old stone bridge",
    "in a garden full of apple trees",
    "on an island with a white lighthouse",
]

#: How a story starts; `{place}` is one of the places.
OPENINGS_TWO = [
    "Once upon a time, {kindA} and {kindB} lived {place}.",
    "{place}, there lived {kindA} and {kindB}.",
    "A long time ago, {kindA} lived {place} together with {kindB}.",
    "This is the story of {kindA} and {kindB}, who lived {place}.",
    "Not so long ago, {kindA} and {kindB} were neighbours {place}.",
]
OPENINGS_ONE = [
    "Once upon a time, {kindA} lived {place}. {kindB} lived next door.",
    "{place}, there lived {kindA}. Not far away lived {kindB}.",
    "This is the story of {kindA}, who lived {place}. {kindB} often came to visit.",
    "A long time ago, {kindA} lived {place} and had only one friend, {kindB}.",
]

FRIENDSHIP = [
    "{A} and {B} were the best of friends and did everything together.",
    "{A} was always full of ideas, and {B} was calm and wise.",
    "{A} loved adventures, but {B} liked to think first.",
    "Every morning {A} and {B} had breakfast together and made plans for the day.",
    "{A} was very curious, and {B} knew a lot about the world.",
    "People said that nobody could laugh as loudly as {A} and {B}.",
    "{A} was brave, and {B} was clever, so they made a good team.",
]

#: How a day starts.
DAYS = [
    "One sunny morning",
    "On a cold autumn day",
    "One rainy afternoon",
    "On the first day of spring",
    "One windy day",
    "Early on a summer morning",
    "One quiet evening",
    "On a snowy day",
    "One day after breakfast",
    "On a warm afternoon",
]

ENDINGS = [
    "From that day on, {A} and {B} were even better friends than before.",
    "That evening {A} and {B} sat by the fire and told the story again and again.",
    "{A} fell asleep with a smile, and {B} was happy too.",
    "And whenever it rained, {A} and {B} remembered that day and laughed.",
    "{A} had learned that a good friend is worth more than gold.",
    "In the end, {A} and {B} agreed that it had been the best day of the year.",
    "{B} hugged {A}, and they walked home under the stars.",
    "And if you ever pass by, {A} and {B} will tell you all about it.",
]


def plot(beats, **slots):
    """A plot from its text: each beat starts with ">", and bars part its wordings. Slots are lists of what may stand in them."""
    return {name: items_of(values) for name, values in slots.items()}, [items_of(" ".join(beat.split())) for beat in beats.split(">")[1:]]


#: By the words for what the story is about: slots and beats.
PLOTS = {
    "a lost toy": plot(
        """
        > {day}, {A} could not find {his} {toy}.|{day}, {A} woke up and saw that {his} {toy} was gone.
          |{day}, {A} came running: the {toy} was lost!
        > "It was here yesterday," said {A} with tears in {his} eyes.|"Where can it be?" asked {A}. "I looked everywhere."
          |"I will never find it again," said {A} sadly.
        > {B} did not laugh, but sat down to think.|{B} put on a hat and said that they would search together.
          |{B} gave {A} a cup of tea and asked where the {toy} had been last.
        > First they looked in the house, from the cellar to the roof.|First they asked all the neighbours, but nobody had seen it.
          |First they followed the tracks in the mud, which led to the river.
        > Then the wind blew, and {B} had an idea.|Then {B} found a small thread on a bush.
          |Then a bird called from above, and {B} looked up.
        > "The wind must have carried it away," said {B}. "Let us follow the wind."
          |"Look, this way!" said {B}, and they ran as fast as they could.|"I think I know where it is," said {B} with a smile.
        > And there it was: the {toy} lay {spot}!|At last they saw the {toy}. It was {spot}, a little dirty but not broken.
          |After an hour they found the {toy} {spot}.
        > {A} jumped with joy and thanked {B} three times.|{A} held the {toy} tight and promised to take better care of it.
          |{A} was so happy that {he} let {B} play with the {toy} all day.
        """,
        toy="kite|ball|drum|red scarf|little boat|music box",
        spot="under a bench|behind the mill|in a hollow tree|on the roof of the barn|in a heap of leaves",
    ),
    "a storm": plot(
        """
        > {day}, {A} and {B} went for a long walk.|{day}, {A} and {B} wanted to pick berries far from home.
          |{day}, {A} took {B} to a place where they had never been.
        > Suddenly dark clouds came, and the wind began to howl.|Suddenly it grew dark, and thunder rolled over the land.
          |After an hour the sky turned black, and heavy rain fell.
        > "We must find a dry place," cried {A}.|"I am afraid," whispered {A}. "What shall we do?"|"Quick, hold my hand!" shouted {A}.
        > They ran until {B} saw {shelter}.|Through the rain {B} could just see {shelter}.|{B} remembered that there was {shelter} nearby.
        > Inside it was dry, and they waited close together.|They crept inside and listened to the thunder.
          |Inside they made a small fire and dried their wet feet.
        > To forget their fear, {B} sang an old song, and {A} sang along.
          |To pass the time, {B} told a funny tale, and {A} forgot to be afraid.
          |{B} counted the seconds between lightning and thunder, and {A} helped.
        > When the storm was over, a rainbow stood in the sky.|At last the rain stopped, and the sun came back.
          |In the morning the storm was gone, and the birds sang.
        > At home they saw that the wind had broken {lost}.|On the way back they saw that the storm had taken {lost}.
          |But the storm had damaged {lost}.
        > They repaired it together, and {A} was proud of the work.|"Never mind," said {A}. "We will build it again." And so they did.
          |With some wood and nails {A} and {B} made it as good as new.
        """,
        shelter="a cave|an old mill|a hollow oak|a fisherman's hut|an empty barn",
        lost="the roof of the house|the wooden fence|the garden gate|the bridge over the stream",
    ),
    "a race": plot(
        """
        > {day}, {A} heard of a race to {goal}.|{day}, there was a sign on the door: a race to {goal}!
          |{day}, {A} said, "Let us run a race to {goal}."
        > The winner would get {prize}.|There was {prize} for the winner.|Whoever came first would win {prize}.
        > "I am the fastest of all," said {A}. "I will surely win."|"Nobody can beat me," said {A} and laughed.
          |{A} was so sure to win that {he} did not even train.
        > {B} said nothing and tied a pair of old shoes.|{B} only smiled and stretched a little.|"We will see," said {B} quietly.
        > At the start {A} ran ahead like the wind.|When the bell rang, {A} was far in front.
          |At first {A} was much faster than everybody else.
        > But halfway {A} stopped to rest in the shade and fell asleep.|But then {A} took a wrong turn and stood in the middle of a swamp.
          |But then {A} slipped on a wet stone and hurt a foot.
        > {B} came by, stopped, and helped {A} up.|{B} could have won now, but turned around to help {A}.
          |"Are you all right?" asked {B} and gave {A} a hand.
        > Side by side they reached {goal}.|Slowly, arm in arm, they walked to {goal}.|Together they crossed the line at {goal}.
        > Everybody cheered, and the two shared {prize}.|They got {prize} and ate or shared it like friends do.
          |{A} gave {prize} to {B} and said, "You are the true winner."
        """,
        goal="the big oak|the old tower|the lake|the red barn|the lighthouse",
        prize="a basket of pears|a golden cup|a blue ribbon|a honey cake|a bag of nuts",
    ),
    "a cake": plot(
        """
        > {day}, {A} wanted to bake {cake}.|{day}, {A} had a great wish for {cake}.|{day}, {A} decided to bake {cake} for a party.
        > {B} brought a big bowl and a wooden spoon.|{B} came with an apron and lit the oven.
          |{B} read the recipe aloud, and {A} looked for all that they needed.
        > But when they looked into the cupboard, {missing} was not there.|But halfway they noticed that they had forgotten {missing}.
          |But then they saw that {missing} was missing.
        > "Without it we cannot bake," said {A} and sat down.|"Oh no," said {A}. "Now there will be no cake."
          |"What a pity," sighed {A}. "The shop is closed today."
        > "Let us ask {who}," said {B}.|"Do not give up," said {B}. "I will go to {who}."
          |"I know somebody who can help," said {B} and thought of {who}.
        > They knocked at the door, and {who} gave them what they needed.|Luckily, {who} was at home and was glad to help.
          |They walked over, and {who} gave them more than enough.
        > Soon the whole house smelled sweet.|An hour later the oven was hot and the air smelled wonderful.
          |They mixed, stirred and waited, and at last the bell rang.
        > They invited {who} for the first piece.|Of course {who} got the biggest piece of all.
          |They set the table for three and called {who}.
        > "This is the best cake in the world," said {A} with a full mouth.|{A} ate three pieces and could hardly move.
          |"Shared cake tastes twice as good," said {A}.
        """,
        cake="an apple cake|a chocolate cake|a carrot cake|a cherry pie|a lemon cake",
        missing="the sugar|the flour|the eggs|the butter",
        who="their old neighbour|the baker|the miller|the postman",
    ),
    "a treasure": plot(
        """
        > {day}, {A} found {find} in the attic.|{day}, {A} stumbled over {find}.|{day}, {A} discovered {find} among old things.
        > "There must be a treasure," said {A} and could not stand still.|"Look at this!" cried {A}. "It speaks of a treasure."
          |It told of a treasure, and {A} got very excited.
        > {B} studied it for a long time.|{B} took a lamp and looked at it closely.
          |{B} turned it around and found small letters on the back.
        > "It is hidden {place2}," said {B} at last.|"I can read it," said {B}. "We must search {place2}."
          |"Now I understand," said {B}. "The treasure is {place2}."
        > They packed bread and a rope and set out at once.|With a shovel and a lamp they started on their way.
          |They walked all day, over hills and through thick bushes.
        > There they dug until their arms hurt.|They dug a deep hole and were about to give up.
          |It took a long time, and {A} nearly lost hope.
        > Then something knocked: it was {box}.|At last they pulled out {box}.|Suddenly {B} touched something hard. It was {box}.
        > It was not full of gold, but of old letters and shells.|Inside there was no gold, only drawings that a child had made long ago.
          |There was not a single coin in it, but seeds for a hundred flowers.
        > "This is better than gold," said {A}, and {B} nodded.|{A} was a little sad at first, but then began to smile.
          |They took it home and kept it in the best place of the house.
        """,
        find="an old map|a bottle with a letter|a strange key|a page of an old book",
        place2="under the old bridge|behind the waterfall|at the foot of the tower|in the cave by the shore",
        box="a wooden box|an iron chest|a clay pot|a leather bag",
    ),
    "a new friend": plot(
        """
        > {day}, {A} heard somebody crying.|{day}, {A} saw something moving behind a bush.
          |{day}, there was a soft knock at the door of {A}.
        > It was {stranger}, all alone.|There sat {stranger} and looked at the ground.|{A} went closer and found {stranger}.
        > "Do not be afraid," said {A}. "What is the matter?"|"Hello," said {A} kindly. "Why are you so sad?"
          |{A} sat down and asked softly, "Can I help you?"
        > "Nobody wants to play with me," was the answer.|"I lost my way, and I am afraid of {fear}," was the answer.
          |"I am new here, and I know nobody," was the answer.
        > {A} did not know what to do and fetched {B}.|{A} called {B}, who always knew what to do.
          |So {A} ran to {B} and told the whole story.
        > {B} brought warm soup and a soft blanket.|{B} came with a lantern and some fresh bread.
          |{B} thought for a while and then began to play a merry tune.
        > Soon they all laughed and played until the evening.|They played hide and seek and forgot all sorrows.
          |They showed their new friend every corner of the place.
        > {A} built a little bed beside the oven.|"You can stay with us," said {A}.
          |{A} and {B} painted a sign with the words: welcome, friend.
        > Since then there have been three friends instead of two.|Now there was always one more cup on the table.
          |And nobody there was ever afraid of {fear} again.
        """,
        stranger="a small hedgehog|a lonely robot|a shy ghost|a young dragon|a lost penguin",
        fear="the dark|deep water|loud noises|strangers",
    ),
    "a boat": plot(
        """
        > {day}, {A} had the wish to sail across the water.|{day}, {A} looked over the water and dreamed of a boat.
          |{day}, {A} said, "I want to know what is on the other side."
        > But there was no boat, and a boat costs a lot of money.|But neither of the two had a boat.|But the only boat had a big hole.
        > "Then we will build one," said {B}.|"We can make one ourselves," said {B}, who was good with tools.
          |"Give me three days," said {B}, "and we will have a boat."
        > They used {wood} for the hull.|They found {wood} and carried it to the shore.|Out of {wood} they made something that floated.
        > For the sail they took {sail}.|{A} sewed a sail out of {sail}.|Then {A} came with {sail}, which made a perfect sail.
        > The wind was good, and they sailed away.|The next morning they pushed the boat into the water.|They waved goodbye and set off.
        > In the middle of the water a big wave came, but {B} steered well.|After a while the wind stopped, and they had to row.
          |Once the boat nearly turned over, but {A} held on to the mast.
        > At last they reached {land}.|When the fog lifted, they saw {land}.|In the evening they arrived at {land}.
        > They stayed for a week and collected shells.|There they ate fruit that they had never seen before.
          |They danced in the sand, and {A} drew a map of everything.
        """,
        wood="old planks|an empty barrel|a fallen tree|a broken door",
        sail="a bed sheet|a blue curtain|an old coat|a table cloth",
        land="an island full of parrots|a beach of white sand|a village on the other shore|a forest of palm trees",
    ),
    "a birthday": plot(
        """
        > {day}, it was the birthday of {A}.|{day}, {A} woke up and remembered: it was a birthday!
          |{day}, {A} jumped out of bed, because it was a birthday.
        > But nobody said a word about it.|But there was no cake and no song, and the house was silent.
          |But {B} was not at home, and nobody came.
        > "They have all forgotten me," thought {A}.|{A} sat at the window and felt very alone.
          |{A} went for a walk and kicked a stone along the road.
        > In truth, {B} had been busy for days.|{A} did not know that {B} had a secret plan.
          |Meanwhile {B} was hanging paper stars in the garden.
        > In the evening {B} asked {A} to come to the garden.|When it got dark, {B} took {A} by the hand.
          |Then a letter came from {B}: please come at once.
        > There stood all the friends and sang a song.|"Surprise!" they all shouted, and there was music.
          |The garden was full of lights, and everybody clapped.
        > Just then {trouble}, but nobody cared.|Then {trouble}, and they laughed about it.
          |Suddenly {trouble}, so they all moved closer together.
        > {B} gave {A} {gift}.|The gift of {B} was {gift}.|In a big box from {B} there was {gift}.
        > "I thought you had forgotten," said {A}. "I never would," said {B}.|{A} had never had such a wonderful birthday.
          |{A} danced until midnight and hugged everybody twice.
        """,
        gift="a telescope|a warm pullover|a bell for the door|a book full of riddles|a small guitar",
        trouble="it began to rain|the lights went out|the candles would not burn|the guests lost their way",
    ),
    "a dragon": plot(
        """
        > {day}, a dragon stole {thing}.|{day}, there was great noise, because a dragon had taken {thing}.
          |{day}, everybody was upset: {thing} was gone, and there were dragon tracks.
        > "I will bring it back," said {A}.|Nobody was brave enough to go, only {A}.|{A} was afraid too, but said that somebody must go.
        > {B} came along with a rope and a bag.|{B} did not want to let {A} go alone.|"Not without me," said {B}.
        > They climbed the mountain where the dragon lived.|After two days they stood before the dragon's cave.
          |They followed the tracks up to a dark cave.
        > "Who dares to wake me?" roared the dragon.|The dragon blew smoke out of its nose and looked at them.
          |Inside two green eyes were glowing.
        > {A} trembled, but did not run away.|"Please," said {A}, "why did you do it?"|{A} bowed and greeted the dragon politely.
        > "I was so bored," said the dragon. "Nobody ever visits me."|The dragon began to cry, because it was lonely.
          |"I only wanted somebody to come," said the dragon in a small voice.
        > {B} learned that the dragon loved {love}.|"What do you like?" asked {B}. "I like {love}," said the dragon.
          |{B} had an idea and asked whether the dragon liked {love}.
        > So they spent the evening with {love}, and the dragon gave everything back.
          |They promised to come every week for {love}, and the dragon returned {thing}.
          |From then on there was {love} on every Sunday, and {thing} came back.
        """,
        thing="the bell of the church|all the honey|the sun clock|the baker's bread|the mayor's golden chain",
        love="songs|riddles|hot soup|chess|warm milk",
    ),
    "a garden": plot(
        """
        > {day}, {A} planted {plant} in the garden.|{day}, {A} got a seed and put it into the earth, hoping for {plant}.
          |{day}, {A} began to grow {plant}.
        > Every day {A} gave it water and waited.|{A} watered it with care and sang to it in the evening.
          |{A} hardly slept and looked after it all the time.
        > But nothing happened for two weeks.|But after a week there was still nothing to see.|But the ground stayed brown and empty.
        > "Be patient," said {B}. "Good things need time."|"Give it some sun," said {B}, and cut a few branches away.
          |"Plants need time and friends," said {B} and smiled.
        > Then, one morning, a tiny green leaf came out.|And indeed, one day there was a small green tip.
          |At last it grew, first slowly, then faster and faster.
        > But {pest} came and wanted to eat it.|One night {pest} got into the garden.|Then {pest} found the way through the fence.
        > {B} built a fence out of sticks.|{B} sat there all night and kept watch.|{B} made a funny scarecrow out of an old coat.
        > {A} put out a bowl with other food, and so there was peace.|{A} talked to the visitor, and they agreed to share.
          |{A} gave the visitor some salad, and that was the end of the trouble.
        > In late summer they all sat together and enjoyed the harvest.|When it was grown, it was the most beautiful in the whole land.
          |People came from far away to see it, and {A} was proud.
        """,
        plant="a pumpkin|a sunflower|a strawberry bush|a cherry tree|a giant bean",
        pest="a hungry goat|a dozen snails|a cheeky crow|a greedy rabbit",
    ),
    "the moon": plot(
        """
        > {day}, {A} looked up at the moon and wished to go there.|{day}, {A} could not sleep because the moon was so bright.
          |{day}, {A} said that the moon looked lonely.
        > "Nobody can go there," said the others.|"That is much too far," people said and laughed.|Everybody said that it was impossible.
        > But {B} believed in the plan.|"I will help you," said {B}.|Only {B} did not laugh.
        > Together they built {vehicle}.|In the barn they made {vehicle}.|It took them a month to build {vehicle}.
        > One night, when all were asleep, they set off.|When everything was ready, they started at midnight.
          |They took sandwiches and warm socks, and up they went.
        > They passed the clouds and waved at the owls.|The houses became smaller and smaller, and the stars came near.
          |{A} held on tight, and {B} looked for the way between the stars.
        > On the moon it was quiet and white.|The moon was softer than they had thought.|On the moon they could jump as high as a house.
        > "Thank you for the visit," said the moon and gave them {gift}.|The moon was glad to have guests and gave them {gift}.
          |Before they left, they got {gift} from the moon.
        > Back at home nobody believed them until {A} showed {gift}.|In the morning they were back, tired and happy.
          |Since then {A} has kept {gift} beside the bed.
        """,
        vehicle="a rocket out of tin cans|a very long ladder|a balloon with a basket|a flying bicycle",
        gift="a silver stone|a jar of stardust|a lamp that never goes out|a tiny star",
    ),
    "a song": plot(
        """
        > {day}, {A} found {instrument} at the market.|{day}, {A} got {instrument} as a present.
          |{day}, {A} bought {instrument} with {his} last coins.
        > But the sounds were so terrible that the birds flew away.|But when {A} played, everybody closed the windows.
          |But it sounded like a door that needs oil.
        > "I will never learn it," said {A}.|{A} wanted to throw it into the river.|{A} was sad and put it into a corner.
        > "Play it again, but slowly," said {B}.|"Nobody can do it on the first day," said {B}.|{B} listened and did not close the window.
        > Every day {A} practised for an hour, and {B} counted the beat.|From then on they practised together behind the house.
          |Day by day it got a little better, and {B} clapped every time.
        > Then {event} came, but the musicians were ill.|Soon it was time for {event}, and there was nobody to play.
          |On the day of {event} the band did not come.
        > {B} pushed {A} onto the stage.|"Now it is your turn," said {B}.|{B} told everybody that {A} could play.
        > {A} took a deep breath and began to play.|With shaking hands {A} played the first notes.
          |{A} closed {his} eyes and thought only of the song.
        > It was so beautiful that even the birds came back.|When the last note was over, all were silent, and then they cheered.
          |Everybody danced, and nobody wanted to go home.
        """,
        instrument="a flute|a violin|a drum|a trumpet|a harp",
        event="the summer party|the harvest dance|the big concert|the king's visit",
    ),
}
