"""Countries and states with their capitals, and cities for sentences that need one."""

from lexicon import fresh
from lexicon.names import invented
from splits import TEST, TRAIN, Sides

#: One country and capital a line.
_COUNTRIES = """
Afghanistan: Kabul
Albania: Tirana
Algeria: Algiers
Andorra: Andorra la Vella
Angola: Luanda
Argentina: Buenos Aires
Armenia: Yerevan
Australia: Canberra
Austria: Vienna
Azerbaijan: Baku
the Bahamas: Nassau
Bahrain: Manama
Bangladesh: Dhaka
Barbados: Bridgetown
Belarus: Minsk
Belgium: Brussels
Belize: Belmopan
Benin: Porto-Novo
Bhutan: Thimphu
Bolivia: Sucre
Bosnia and Herzegovina: Sarajevo
Botswana: Gaborone
Brazil: Brasilia
Brunei: Bandar Seri Begawan
Bulgaria: Sofia
Burkina Faso: Ouagadougou
Burundi: Gitega
Cambodia: Phnom Penh
Cameroon: Yaounde
Canada: Ottawa
Cape Verde: Praia
the Central African Republic: Bangui
Chad: N'Djamena
Chile: Santiago
China: Beijing
Colombia: Bogota
the Comoros: Moroni
Costa Rica: San Jose
Croatia: Zagreb
Cuba: Havana
Cyprus: Nicosia
the Czech Republic: Prague
Denmark: Copenhagen
Dominica: Roseau
the Dominican Republic: Santo Domingo
East Timor: Dili
Ecuador: Quito
Egypt: Cairo
El Salvador: San Salvador
Equatorial Guinea: Malabo
Eritrea: Asmara
Estonia: Tallinn
Eswatini: Mbabane
Ethiopia: Addis Ababa
Fiji: Suva
Finland: Helsinki
France: Paris
Gabon: Libreville
the Gambia: Banjul
Georgia: Tbilisi
Germany: Berlin
Ghana: Accra
Greece: Athens
Grenada: St. George's
Guatemala: Guatemala City
Guinea: Conakry
Guinea-Bissau: Bissau
Guyana: Georgetown
Haiti: Port-au-Prince
Honduras: Tegucigalpa
Hungary: Budapest
Iceland: Reykjavik
India: New Delhi
Indonesia: Jakarta
Iran: Tehran
Iraq: Baghdad
Ireland: Dublin
Italy: Rome
Ivory Coast: Yamoussoukro
Jamaica: Kingston
Japan: Tokyo
Jordan: Amman
Kazakhstan: Astana
Kenya: Nairobi
Kuwait: Kuwait City
Kyrgyzstan: Bishkek
Laos: Vientiane
Latvia: Riga
Lebanon: Beirut
Lesotho: Maseru
Liberia: Monrovia
Libya: Tripoli
Liechtenstein: Vaduz
Lithuania: Vilnius
Luxembourg: Luxembourg City
Madagascar: Antananarivo
Malawi: Lilongwe
Malaysia: Kuala Lumpur
the Maldives: Male
Mali: Bamako
Malta: Valletta
Mauritania: Nouakchott
Mauritius: Port Louis
Mexico: Mexico City
Moldova: Chisinau
Mongolia: Ulaanbaatar
Montenegro: Podgorica
Morocco: Rabat
Mozambique: Maputo
Myanmar: Naypyidaw
Namibia: Windhoek
Nepal: Kathmandu
the Netherlands: Amsterdam
New Zealand: Wellington
Nicaragua: Managua
Niger: Niamey
Nigeria: Abuja
North Korea: Pyongyang
North Macedonia: Skopje
Norway: Oslo
Oman: Muscat
Pakistan: Islamabad
Panama: Panama City
Papua New Guinea: Port Moresby
Paraguay: Asuncion
Peru: Lima
the Philippines: Manila
Poland: Warsaw
Portugal: Lisbon
Qatar: Doha
Romania: Bucharest
Russia: Moscow
Rwanda: Kigali
Samoa: Apia
Saudi Arabia: Riyadh
Senegal: Dakar
Serbia: Belgrade
Sierra Leone: Freetown
Slovakia: Bratislava
Slovenia: Ljubljana
Somalia: Mogadishu
South Korea: Seoul
South Sudan: Juba
Spain: Madrid
Sri Lanka: Sri Jayawardenepura Kotte
Sudan: Khartoum
Suriname: Paramaribo
Sweden: Stockholm
Switzerland: Bern
Syria: Damascus
Taiwan: Taipei
Tajikistan: Dushanbe
Tanzania: Dodoma
Thailand: Bangkok
Togo: Lome
Tonga: Nuku'alofa
Trinidad and Tobago: Port of Spain
Tunisia: Tunis
Turkey: Ankara
Turkmenistan: Ashgabat
Uganda: Kampala
Ukraine: Kyiv
the United Arab Emirates: Abu Dhabi
the United Kingdom: London
the United States: Washington, D.C.
Uruguay: Montevideo
Uzbekistan: Tashkent
Vanuatu: Port Vila
Venezuela: Caracas
Vietnam: Hanoi
Yemen: Sana'a
Zambia: Lusaka
Zimbabwe: Harare
"""

#: The states of the USA, but for Georgia, which is a country here.
_STATES = """
Alabama: Montgomery
Alaska: Juneau
Arizona: Phoenix
Arkansas: Little Rock
California: Sacramento
Colorado: Denver
Connecticut: Hartford
Delaware: Dover
Florida: Tallahassee
Hawaii: Honolulu
Idaho: Boise
Illinois: Springfield
Indiana: Indianapolis
Iowa: Des Moines
Kansas: Topeka
Kentucky: Frankfort
Louisiana: Baton Rouge
Maine: Augusta
Maryland: Annapolis
Massachusetts: Boston
Michigan: Lansing
Minnesota: Saint Paul
Mississippi: Jackson
Missouri: Jefferson City
Montana: Helena
Nebraska: Lincoln
Nevada: Carson City
New Hampshire: Concord
New Jersey: Trenton
New Mexico: Santa Fe
New York: Albany
North Carolina: Raleigh
North Dakota: Bismarck
Ohio: Columbus
Oklahoma: Oklahoma City
Oregon: Salem
Pennsylvania: Harrisburg
Rhode Island: Providence
South Carolina: Columbia
South Dakota: Pierre
Tennessee: Nashville
Texas: Austin
Utah: Salt Lake City
Vermont: Montpelier
Virginia: Richmond
Washington: Olympia
West Virginia: Charleston
Wisconsin: Madison
Wyoming: Cheyenne
"""


def _pairs(text):
    return [tuple(line.split(": ")) for line in text.strip().splitlines()]


#: (country, capital)
COUNTRIES = _pairs(_COUNTRIES)

#: (country or state, capital)
CAPITALS = COUNTRIES + _pairs(_STATES)

#: Cities that people live in, travel to or ask the weather of.
CITIES = Sides(
    [capital for _, capital in COUNTRIES if len(capital) < 12 and "," not in capital]
    + """Hamburg Munich Lyon Marseille Milan Naples Porto Barcelona Valencia Geneva Zurich Krakow Chicago Seattle Toronto Montreal Sydney
    Osaka Kyoto Shanghai Mumbai Istanbul Manchester Edinburgh Houston Dallas Miami Antwerp Gothenburg Bergen""".split()
    + ["New York", "San Francisco", "Los Angeles", "Hong Kong", "Cape Town", "Rio de Janeiro", "Tel Aviv", "Salt Lake City"],
    """Seville Bologna Leipzig Toulouse Rotterdam Aarhus Tampere Gdansk Nagoya Busan Calgary Halifax Portland Tucson Melbourne Perth Durban
    Mombasa Recife Cusco Medellin Izmir Lahore Pune Chengdu Fukuoka Bristol Cardiff Galway Turin""".split()
    + ["Monterrey", "New Orleans", "San Diego", "St. Louis", "Las Vegas", "Santa Cruz"],
)

fresh.reserve(CITIES.test)

#: Begins the names of some invented cities.
_BEFORE = ["St. ", "San ", "Santa ", "New ", "Las ", "Los ", "Port ", "El ", "Saint ", "Fort ", "Old ", "Lake ", "Mount "]


def city(rng, split):
    """A city, for training often an invented one."""
    if split == TRAIN and rng.random() < 0.55:
        before = rng.choice(_BEFORE) if rng.random() < 0.25 else ""
        return before + invented(rng, TRAIN)
    return CITIES.pick(rng, split)


def nowhere(rng, split):
    """A place that does not exist."""
    ending = rng.choice(["ia", "land", "stan", "burg", "ora", ""] if split == TRAIN else ["istan", "onia", "mark"])
    return invented(rng, TEST if split == TEST else TRAIN) + ending
